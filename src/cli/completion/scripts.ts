import type { Words } from './command-tree.ts';

export const shells = ['bash', 'zsh', 'fish'] as const;
export type Shell = (typeof shells)[number];

/** Words are names of commands and options of ours: letters, digits and dashes, nothing that a shell would take for its own. */
const plain = /^[a-z0-9-]+( [a-z0-9-]+)*$/i;

export function completionScript(shell: Shell, words: Words): string {
  const paths = [...words].filter(([path]) => path === '' || plain.test(path));
  const safe = paths.map(([path, after]) => [path, after.filter((word) => plain.test(word))] as const);
  switch (shell) {
    case 'bash':
      return bash(safe);
    case 'zsh':
      return zsh(safe);
    case 'fish':
      return fish(safe);
  }
}

type Safe = readonly (readonly [path: string, after: readonly string[]])[];

/** A word belongs to the path if the path goes on with it; values of options and arguments do not. */
const stepsOf = (paths: Safe): string =>
  paths
    .filter(([path]) => path !== '')
    .map(([path]) => `'${path}'`)
    .join('|');

function bash(paths: Safe): string {
  const cases = paths.map(([path, after]) => `    '${path}') words='${after.join(' ')}' ;;`).join('\n');
  return `# estop completion for bash: source this, or put it into bash-completion's folder.
_estop() {
  local current="\${COMP_WORDS[COMP_CWORD]}" path='' next word words=''
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    next="\${path:+$path }$word"
    case "$next" in ${stepsOf(paths)}) path="$next" ;; esac
  done
  case "$path" in
${cases}
  esac
  COMPREPLY=($(compgen -W "$words" -- "$current"))
}
complete -o default -F _estop estop
`;
}

function zsh(paths: Safe): string {
  const cases = paths.map(([path, after]) => `    '${path}') found=(${after.join(' ')}) ;;`).join('\n');
  return `#compdef estop
# estop completion for zsh: put it into a folder of $fpath as _estop, or source it after compinit.
_estop() {
  local spot='' next word
  local -a found
  for word in \${words[2,CURRENT-1]}; do
    next="\${spot:+$spot }$word"
    case "$next" in ${stepsOf(paths)}) spot="$next" ;; esac
  done
  case "$spot" in
${cases}
  esac
  compadd -- $found
}
if [[ \${funcstack[1]} == _estop ]]; then _estop "$@"; else compdef _estop estop; fi
`;
}

function fish(paths: Safe): string {
  const cases = paths.map(([path, after]) => `    case '${path}'\n      printf '%s\\n' ${after.join(' ')}`).join('\n');
  const steps = paths.filter(([path]) => path !== '').map(([path]) => `'${path}'`);
  return `# estop completion for fish: put it into ~/.config/fish/completions/estop.fish.
function __estop_words
  set -l spot ''
  for word in (commandline -opc)[2..-1]
    set -l next (string trim -- "$spot $word")
    if contains -- $next ${steps.join(' ')}
      set spot $next
    end
  end
  switch "$spot"
${cases}
  end
end
complete -c estop -f -a '(__estop_words)'
`;
}
