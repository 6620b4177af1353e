# PowerShell completion for kubectl-lab

Register-ArgumentCompleter -Native -CommandName 'kubectl-lab', 'kubectl-lab.exe' -ScriptBlock {
    param($wordToComplete, $commandAst, $cursorPosition)
    $words = @()
    foreach ($element in $commandAst.CommandElements | Select-Object -Skip 1) {
        if ($element.Extent.StartOffset -ge $cursorPosition) { break }
        if ($element -is [System.Management.Automation.Language.StringConstantExpressionAst]) {
            $words += $element.Value
        } else {
            $words += $element.Extent.Text
        }
    }
    # PowerShell before 7.3 drops empty words, so an empty last one is announced by a flag.
    if ([string]::IsNullOrEmpty($wordToComplete)) {
        $lines = @(& kubectl-lab __complete --whole --new -- @words 2>$null)
    } else {
        $lines = @(& kubectl-lab __complete --whole -- @words 2>$null)
    }
    foreach ($line in $lines | Select-Object -SkipLast 1) {
        $value, $about = $line -split "`t", 2
        if (-not $about) { $about = $value }
        $inserted = $value
        if ($value -match '[\s''"`$&|;<>(){}@#]') { $inserted = "'" + $value.Replace("'", "''") + "'" }
        [System.Management.Automation.CompletionResult]::new($inserted, $value, 'ParameterValue', $about)
    }
}
