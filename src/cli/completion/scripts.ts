import type { Offer, Offers } from './command-tree.ts';

export const shells = ['bash', 'zsh', 'fish'] as const;
export type Shell = (typeof shells)[number];

/** Words are names of commands, options and choices of ours: letters, digits and dashes, nothing that a shell would take for its own. */
const plain = /^[a-z0-9-]+( [a-z0-9-]+)*$/i;

/** As text: the words, and the kinds of ids that are asked for while somebody types. */
interface Safe {
  readonly path: string;
  readonly words: string;
  readonly kinds: string;
}

interface SafeOffers {
  readonly after: readonly Safe[];
  readonly values: readonly Safe[];
}

export function completionScript(shell: Shell, offers: Offers): string {
  const safe = (all: ReadonlyMap<string, Offer>): readonly Safe[] =>
    [...all]
      .filter(([path]) => path === '' || plain.test(path))
      .map(([path, { words, kinds }]) => ({
        path,
        words: words.filter((word) => plain.test(word)).join(' '),
        kinds: kinds.join(' '),
      }));
  const whole = { after: safe(offers.after), values: safe(offers.values) };
  switch (shell) {
    case 'bash':
      return bash(whole);
    case 'zsh':
      return zsh(whole);
    case 'fish':
      return fish(whole);
  }
}

/** A word belongs to the path if the path goes on with it; values of options and arguments do not. */
const stepsOf = ({ after }: SafeOffers, between: string): string =>
  after
    .filter(({ path }) => path !== '')
    .map(({ path }) => `'${path}'`)
    .join(between);

/** Options of the program itself are taken anywhere, so a command's own come first. */
const placesOf = ({ values }: SafeOffers): readonly Safe[] => [
  ...values.filter(({ path }) => path.includes(' ')),
  ...values.filter(({ path }) => !path.includes(' ')),
];

/**
 * Ids are asked for by the estop of the PATH and of nobody's typing, at the profile or state folder that was typed, never at an address:
 * a token goes nowhere because somebody pressed Tab. What comes back is looked at here once more, and expanded nowhere.
 */
const bash = (
  offers: SafeOffers,
): string => `# estop completion for bash: source this, or put it into bash-completion's folder.
_estop() {
  local current="\${COMP_WORDS[COMP_CWORD]}" previous="\${COMP_WORDS[COMP_CWORD-1]}" path='' next word words='' kinds='' kind id at
  local -a where=()
  if [[ $previous == '=' ]]; then previous="\${COMP_WORDS[COMP_CWORD-2]}"; fi
  if [[ $current == '=' ]]; then current=''; fi
  for ((at = 1; at < COMP_CWORD; at++)); do
    word="\${COMP_WORDS[at]}"
    next="\${path:+$path }$word"
    case "$next" in ${stepsOf(offers, '|')}) path="$next" ;; esac
    case "$word" in
      --profile|--state) next="\${COMP_WORDS[at+1]}"; if [[ $next == '=' ]]; then next="\${COMP_WORDS[at+2]}"; fi; where+=("$word" "$next") ;;
      --control-url|--stop-url) where=(none) ;;
    esac
  done
  case "$path" in
${offers.after.map(({ path, words, kinds }) => `    '${path}') words='${words}' kinds='${kinds}' ;;`).join('\n')}
  esac
  case "$path $previous" in
${placesOf(offers)
  .map(
    ({ path, words, kinds }) =>
      `    ${path.includes(' ') ? '' : '*'}'${path.includes(' ') ? '' : ' '}${path}') words='${words}' kinds='${kinds}' ;;`,
  )
  .join('\n')}
  esac
  COMPREPLY=()
  for word in $words; do if [[ $word == "$current"* ]]; then COMPREPLY+=("$word"); fi; done
  if [[ $current == -* || \${where[0]} == none ]]; then return; fi
  for kind in $kinds; do
    while read -r id; do
      if [[ $id =~ ^[A-Za-z0-9][A-Za-z0-9_.-]*$ && $id == "$current"* ]]; then COMPREPLY+=("$id"); fi
    done < <(command estop "\${where[@]}" completion bash --ids "$kind" 2>/dev/null </dev/null)
  done
}
complete -o default -F _estop estop
`;

const zsh = (offers: SafeOffers): string => `#compdef estop
# estop completion for zsh: put it into a folder of $fpath as _estop, or source it after compinit.
_estop() {
  local spot='' next word last="\${words[CURRENT-1]}" kind id offered='' kinds='' isElsewhere=''
  local -a found where
  local -i at
  for ((at = 2; at < CURRENT; at++)); do
    word="\${words[at]}"
    next="\${spot:+$spot }$word"
    case "$next" in ${stepsOf(offers, '|')}) spot="$next" ;; esac
    case "$word" in
      --profile|--state) where+=("$word" "\${words[at+1]}") ;;
      --control-url*|--stop-url*) isElsewhere=yes ;;
    esac
  done
  if [[ "\${words[CURRENT]}" == --*=* ]]; then
    last="\${words[CURRENT]%%=*}"
    compset -P '*='
  fi
  case "$spot" in
${offers.after.map(({ path, words, kinds }) => `    '${path}') offered='${words}' kinds='${kinds}' ;;`).join('\n')}
  esac
  case "$spot $last" in
${placesOf(offers)
  .map(
    ({ path, words, kinds }) =>
      `    ${path.includes(' ') ? '' : '*'}'${path.includes(' ') ? '' : ' '}${path}') offered='${words}' kinds='${kinds}' ;;`,
  )
  .join('\n')}
  esac
  found=(\${=offered})
  if [[ -z $isElsewhere && ( "\${words[CURRENT]}" != -* || "\${words[CURRENT]}" == --*=* ) ]]; then
    for kind in \${=kinds}; do
      for id in \${(f)"$(command estop "\${where[@]}" completion zsh --ids "$kind" 2>/dev/null </dev/null)"}; do
        if [[ $id =~ '^[A-Za-z0-9][A-Za-z0-9_.-]*$' ]]; then found+=("$id"); fi
      done
    done
  fi
  compadd -- $found
}
if [[ \${funcstack[1]} == _estop ]]; then _estop "$@"; else compdef _estop estop; fi
`;

const fish = (
  offers: SafeOffers,
): string => `# estop completion for fish: put it into ~/.config/fish/completions/estop.fish.
function __estop_words
  set -l typed (commandline -opc)
  set -l last $typed[-1]
  set -l before ''
  if string match -q -- '--*=*' (commandline -ct)
    set last (string replace -r -- '=.*' '' (commandline -ct))
    set before "$last="
  end
  set -l spot ''
  set -l where
  set -l kinds
  set -l offered
  set -l elsewhere
  for at in (seq 2 (count $typed))
    set -l word $typed[$at]
    set -l next (string trim -- "$spot $word")
    if contains -- $next ${stepsOf(offers, ' ')}
      set spot $next
    end
    switch $word
      case --profile --state
        if test $at -lt (count $typed)
          set -a where $word $typed[(math $at + 1)]
        end
      case '--control-url*' '--stop-url*'
        set elsewhere yes
    end
  end
  switch "$spot"
${offers.after.map(({ path, words, kinds }) => `    case '${path}'\n      set offered ${words}\n      set kinds ${kinds}`).join('\n')}
  end
  switch "$spot $last"
${[...placesOf(offers)]
  .map(
    ({ path, words, kinds }) =>
      `    case '${path.includes(' ') ? path : `* ${path}`}'\n      set offered ${words}\n      set kinds ${kinds}`,
  )
  .join('\n')}
  end
  for word in $offered
    echo $before$word
  end
  if test -z "$elsewhere"
    for kind in $kinds
      command estop $where completion fish --ids $kind 2>/dev/null </dev/null | string match -r '^[A-Za-z0-9][A-Za-z0-9_.-]*$' | string replace -r '^' -- $before
    end
  end
end
complete -c estop -f -a '(__estop_words)'
`;
