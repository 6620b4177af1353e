# bash completion for kubectl-lab

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
