# fish completion for kubectl-lab

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
