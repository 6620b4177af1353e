//! The scripts that connect shells to `__complete`. They are the same for every version and every
//! set of plugins, and are checked in under `completions/` for packagers.

use crate::choice::Shell;

/// Help of `kubectl lab completion`.
pub const INSTALL: &str = "\
Prints a script that completes `kubectl-lab` in your shell. It asks the
program itself, so it stays right when the program or a plugin is updated.

  bash        kubectl lab completion bash > \\
                ~/.local/share/bash-completion/completions/kubectl-lab
  zsh         kubectl lab completion zsh > \"${fpath[1]}/_kubectl-lab\"
  fish        kubectl lab completion fish > \\
                ~/.config/fish/completions/kubectl-lab.fish
  powershell  kubectl lab completion powershell >> $PROFILE

For `kubectl lab <TAB>`, kubectl 1.26 and later ask a program of the name
`kubectl_complete-lab` on PATH. A link to this program will do, beside
kubectl's own completion:

  ln -s \"$(command -v kubectl-lab)\" ~/.local/bin/kubectl_complete-lab
";

/// The checked-in files: name and text.
pub const FILES: [(&str, &str); 5] = [
    ("kubectl-lab.bash", BASH),
    ("_kubectl-lab", ZSH),
    ("kubectl-lab.fish", FISH),
    ("kubectl-lab.ps1", POWERSHELL),
    ("kubectl_complete-lab", HOOK),
];

/// The script for a shell.
pub fn script(shell: Shell) -> &'static str {
    match shell {
        Shell::Bash => BASH,
        Shell::Zsh => ZSH,
        Shell::Fish => FISH,
        Shell::Powershell => POWERSHELL,
    }
}

const HOOK: &str = r#"#!/bin/sh
# kubectl 1.26 and later run this for `kubectl lab <TAB>`, with the words after `lab`.
exec kubectl-lab __complete -- "$@"
"#;

const BASH: &str = r#"# bash completion for kubectl-lab

_kubectl_lab() {
    local program=$1 answer directive line value about width=0 cut
    local -a values=() abouts=()
    COMPREPLY=()
    # An alias or a function of the user cannot be run from here.
    type -P -- "$program" >/dev/null || program=kubectl-lab
    answer=$("$program" __complete --line "${COMP_LINE:0:COMP_POINT}" "$COMP_WORDBREAKS" 2>/dev/null) || return
    directive=${answer##*:}
    while IFS= read -r line; do
        value=${line%%$'\t'*}
        about=
        [[ $line == *$'\t'* ]] && about=${line#*$'\t'}
        values+=("$value")
        abouts+=("$about")
        ((${#value} > width)) && width=${#value}
    done < <(printf '%s\n' "$answer" | sed '$d')

    if ((${#values[@]} == 0)); then
        if [[ $directive == 0 ]]; then
            compopt -o default 2>/dev/null || while IFS= read -r line; do
                COMPREPLY+=("$line")
            done < <(compgen -f -- "$2")
        fi
        return
    fi
    # A list is shown with descriptions; what is inserted (one candidate, or menus) is not.
    if ((${#values[@]} == 1)) || [[ $COMP_TYPE == 37 || $COMP_TYPE == 42 ]]; then
        COMPREPLY=("${values[@]}")
        return
    fi
    local i
    for i in "${!values[@]}"; do
        line=${values[i]}
        cut=$((${COLUMNS:-80} - width - 6))
        if [[ -n ${abouts[i]} ]] && ((cut > 10)); then
            about=${abouts[i]}
            ((${#about} > cut)) && about=${about:0:cut-1}…
            printf -v line '%-*s  (%s)' "$width" "$line" "$about"
        fi
        COMPREPLY+=("$line")
    done
}

complete -o nosort -F _kubectl_lab kubectl-lab 2>/dev/null || complete -F _kubectl_lab kubectl-lab
"#;

const ZSH: &str = r#"#compdef kubectl-lab
# zsh completion for kubectl-lab

_kubectl-lab() {
    local program=${(Q)words[1]} answer directive line value about
    local -a lines shown
    # An alias of the user cannot be run from here.
    (( $+commands[$program] )) || [[ -x $program ]] || program=kubectl-lab
    answer=$("$program" __complete -- "${(@Q)words[2,CURRENT-1]}" "${(Q)PREFIX}" 2>/dev/null) || return 1
    lines=("${(@f)answer}")
    directive=${lines[-1]#:}
    lines=("${(@)lines[1,-2]}")
    # Candidates for `--flag=value` are values.
    [[ $PREFIX == -*=* ]] && compset -P '*='
    for line in "${(@)lines}"; do
        value=${line%%$'\t'*}
        about=
        [[ $line == *$'\t'* ]] && about=${line#*$'\t'}
        value=${${value//\\/\\\\}//:/\\:}
        shown+=("$value${about:+:$about}")
    done
    if (( $#shown )); then
        _describe -V 'kubectl-lab' shown
    elif [[ $directive == 0 ]]; then
        _files
    else
        return 1
    fi
}

# Loaded from fpath this file is the function itself; sourced, it only registers it.
if [[ ${funcstack[1]} == _kubectl-lab ]]; then
    _kubectl-lab "$@"
else
    compdef _kubectl-lab kubectl-lab
fi
"#;

const FISH: &str = r#"# fish completion for kubectl-lab

function __kubectl_lab_complete
    set -l before (commandline -opc)
    set -l current (commandline -ct)
    set -l plain (string unescape -- $current)
    # An open quote cannot be taken off as a pair.
    or set plain (string replace -r -- '^([^\'"]*)[\'"]' '$1' $current)
    set -l program $before[1]
    type -q -f -- $program; or set program kubectl-lab
    set -l lines ($program __complete --whole -- $before[2..-1] "$plain" 2>/dev/null)
    or return
    set -l directive $lines[-1]
    set -e lines[-1]
    if set -q lines[1]
        printf '%s\n' $lines
    else if test "$directive" = ':0'
        set -l flag (string match -r -- '^-[^=]*=' "$plain")
        set -l path (string replace -r -- '^-[^=]*=' '' "$plain")
        for file in (__fish_complete_path "$path")
            printf '%s%s\n' "$flag" "$file"
        end
    end
end

complete -c kubectl-lab -f -k -a '(__kubectl_lab_complete)'
"#;

const POWERSHELL: &str = r#"# PowerShell completion for kubectl-lab

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
"#;
