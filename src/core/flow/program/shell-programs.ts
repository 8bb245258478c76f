/** Programs that only look, each with what it may be told. */
import { holdsSecretWord, isOpenPlace } from './secret-place.ts';
import { gitLooks } from './shell-git.ts';
import { type Given, type Options, optionsIn } from './shell-options.ts';
import type { ShellWord } from './shell-words.ts';

/** The texts in it that say what is looked for; where is left to the names of files. None: it may do more than look. */
type Look = (words: readonly ShellWord[]) => readonly string[] | undefined;

const count = /^[+-]?\d{1,9}[kKMG]?$/;
const anything = /^/;
const when = /^(?:auto|always|never)$/;

const isPlace = ({ text, isPattern }: ShellWord): boolean => !isPattern && isOpenPlace(text);
/** Names alone are shown, or counted: no name that is filled in makes these do more. */
const isPlaces = (word: ShellWord): boolean =>
  isPlace(word) ||
  (/^(?:[\w.-]+\/)*[\w-]*\*(?:\.\w+)+$/.test(word.text) && /^[^-*]|^\*/.test(word.text) && isOpenPlace(word.text));

/** Whatever its operands are, they are files that are read. */
const reader =
  (options: Options, isFile: (word: ShellWord) => boolean = isPlace): Look =>
  (words) =>
    optionsIn(words, options)?.operands.every(isFile) === true ? [] : undefined;

/** The first so many operands are texts, the others files. */
const texts =
  (options: Options, most: number, isText: (text: string) => boolean = () => true): Look =>
  (words) => {
    const operands = optionsIn(words, options)?.operands;
    const said = operands?.slice(0, most) ?? [];
    if (!operands?.slice(most).every(isPlace) || said.some(({ isPattern }) => isPattern)) return undefined;
    return said.every(({ text }) => isText(text)) ? said.map(({ text }) => text) : undefined;
  };

const noOperands =
  (options: Options): Look =>
  (words) =>
    optionsIn(words, options)?.operands.length === 0 ? [] : undefined;

const grepOptions: Options = {
  letters: 'ivnlLcowxrRHhEFqsaI',
  valued: { A: count, B: count, C: count, m: count, e: anything },
  names: {
    'ignore-case': true,
    'line-number': true,
    'files-with-matches': true,
    count: true,
    recursive: true,
    color: when,
    colour: when,
    include: /^[\w*.-]+$/,
    exclude: anything,
    'exclude-dir': anything,
  },
  count: true,
};

const grep: Look = (words) => {
  const given = optionsIn(words, grepOptions);
  if (given === undefined) return undefined;
  const written = given.options.get('e');
  const [first, ...rest] = given.operands;
  const pattern = written ?? first?.text;
  const files = written === undefined ? rest : given.operands;
  if (pattern === undefined || (written === undefined && first?.isPattern === true) || !files.every(isPlace))
    return undefined;
  return !isRecursive(given) || isNarrow(given, pattern, files) ? [pattern] : undefined;
};

const isRecursive = ({ options }: Given): boolean => ['r', 'R', 'recursive'].some((name) => options.has(name));

/** Through whole folders it would read files of secrets as well: only files of a kind, or a folder below this one, and not for secrets. */
function isNarrow({ options }: Given, pattern: string, files: readonly ShellWord[]): boolean {
  if (!/[\p{L}\p{N}]{3}/u.test(pattern) || holdsSecretWord(pattern) || options.has('v') || options.has('L'))
    return false;
  const kind = /^\*\.(\w+)$/.exec(options.get('include') ?? '')?.[1];
  if (kind !== undefined && isOpenPlace(`a.${kind}`)) return true;
  return (
    files.length > 0 && files.every(({ text }) => /^(?:\.\/)?[\p{L}\p{N}_][^]*$/u.test(text) && !text.includes('..'))
  );
}

/** Its own language writes nothing and runs nothing; it can read the environment, and other files. */
const isFilter = (text: string): boolean =>
  !/(?:^|[^a-z])(?:env|import|include|modulemeta|get_search_list)(?:[^a-z]|$)/i.test(text);

/** Lines by their numbers, or by plain words: `w`, `e` and `s` have no place in it. */
const sedAddress = String.raw`(?:\d{1,9}|\$|/[\p{L}\p{N}_ :.,=#@-]+/)`;
const sedScript = new RegExp(`^(?:${sedAddress}(?:,${sedAddress})?p;?)+$`, 'u');
const sed: Look = (words) => {
  const given = optionsIn(words, { letters: 'nEr' });
  const [script, ...files] = given?.operands ?? [];
  if (given?.options.has('n') !== true || script === undefined || script.isPattern) return undefined;
  return sedScript.test(script.text) && files.every(isPlace) ? [script.text] : undefined;
};

const findAlone = new Set(
  '-print -print0 -prune -empty -not -a -o -and -or -xdev -mount -readable -depth -true -false'.split(' '),
);
const findValued: Readonly<Record<string, RegExp>> = {
  ...Object.fromEntries('-name -iname -path -ipath -wholename'.split(' ').map((name) => [name, anything])),
  ...Object.fromEntries(
    '-mtime -mmin -atime -amin -ctime -cmin -size -maxdepth -mindepth'
      .split(' ')
      .map((name) => [name, /^[+-]?\d+[a-zA-Z]?$/]),
  ),
  '-type': /^[fdlpsbc](?:,[fdlpsbc])*$/,
  '-newermt': /^[\d: TZ-]+$/,
};

/** Where first, then what: every word of it is known, with its value, so that none can be another. */
const find: Look = (words) => {
  const start = words.findIndex(({ text }) => text.startsWith('-'));
  const tests = start < 0 ? [] : words.slice(start);
  if (!(start < 0 ? words : words.slice(0, start)).every(isPlace) || tests.some(({ isPattern }) => isPattern))
    return undefined;
  const said: string[] = [];
  for (let at = 0; at < tests.length; at += 1) {
    const test = tests[at]?.text ?? '';
    if (findAlone.has(test)) continue;
    const form = Object.hasOwn(findValued, test) ? findValued[test] : undefined;
    const value = tests[at + 1]?.text;
    if (form === undefined || value === undefined || !form.test(value)) return undefined;
    if (form === anything) said.push(value);
    at += 1;
  }
  return said;
};

const shown = { color: when, 'human-readable': true, all: true } as const;

export const lookingPrograms: Readonly<Record<string, Look>> = {
  ls: reader({ letters: 'aAlhtrRS1dFGinops', names: { ...shown, recursive: true, reverse: true } }, isPlaces),
  cat: reader({ letters: 'nbAsETv' }),
  head: reader({ letters: 'qv', valued: { n: count, c: count }, names: { lines: count, bytes: count }, count: true }),
  tail: reader({ letters: 'qv', valued: { n: count, c: count }, names: { lines: count, bytes: count }, count: true }),
  wc: reader({ letters: 'lwcmL', names: { lines: true, words: true, bytes: true, chars: true } }, isPlaces),
  pwd: noOperands({ letters: 'LP' }),
  whoami: noOperands({}),
  stat: reader({ letters: 'Lx', valued: { c: anything }, names: { format: anything } }),
  file: reader({ letters: 'biLh', names: { brief: true, mime: true, 'mime-type': true } }),
  du: reader({
    letters: 'shacxkmL',
    valued: { d: count },
    names: { ...shown, summarize: true, total: true, 'max-depth': count },
  }),
  df: reader({ letters: 'hHiTkPl', names: shown }),
  which: texts({ letters: 'as' }, 20),
  diff: reader({
    letters: 'uqwbBiysaE',
    valued: { U: count },
    names: { color: when, unified: count, brief: true, 'side-by-side': true },
  }),
  cut: reader({
    letters: 's',
    valued: { d: anything, f: /^[\d,-]+$/, c: /^[\d,-]+$/, b: /^[\d,-]+$/ },
    names: { delimiter: anything, fields: /^[\d,-]+$/ },
  }),
  tr: texts({ letters: 'cCdst' }, 2),
  nl: reader({ valued: { b: /^[atn]$/, n: /^(?:ln|rn|rz)$/, w: count, v: count, i: count, s: anything } }),
  sort: reader({ letters: 'nrufbghMVds', valued: { t: anything, k: /^[\d.,a-zA-Z]+$/ } }),
  // A second operand is a file that it writes.
  uniq: (words) =>
    (optionsIn(words, { letters: 'cdui' })?.operands.length ?? 2) <= 1 ? reader({ letters: 'cdui' })(words) : undefined,
  echo: (words) => (words.some(({ isPattern }) => isPattern) ? undefined : []),
  jq: texts(
    {
      letters: 'rcsnSejMCa',
      names: { 'raw-output': true, 'compact-output': true, slurp: true, 'sort-keys': true, 'null-input': true },
    },
    1,
    isFilter,
  ),
  grep,
  sed,
  find,
  git: gitLooks,
};
