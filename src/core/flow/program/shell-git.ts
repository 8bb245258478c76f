/**
 * git, where it only tells of what is committed and what has changed. Not protected: what the repository's own settings run while it
 * does (a pager, a text conversion, a monitor of files): who wrote those needed no look.
 */
import { isOpenPlace } from './secret-place.ts';
import { type Options, optionsIn } from './shell-options.ts';
import type { ShellWord } from './shell-words.ts';

const anything = /^[^]*$/;
const count = /^\d{1,6}$/;
/** `%G?` asks another program whether a signature is good. */
const format = /^(?!.*%G)[^]*$/s;

const changes = { stat: true, shortstat: true, numstat: true, 'name-only': true, 'name-status': true } as const;
const commits = {
  ...changes,
  oneline: true,
  graph: true,
  decorate: true,
  'abbrev-commit': true,
  'no-decorate': true,
  'no-color': true,
  format,
  pretty: format,
  date: /^[a-z-]+(?:-local)?$/,
} as const;

const known: Readonly<Record<string, Options>> = {
  status: { letters: 'sbu', names: { short: true, branch: true, porcelain: true, long: true } },
  log: {
    valued: { n: count },
    count: true,
    names: {
      ...commits,
      all: true,
      merges: true,
      'no-merges': true,
      'first-parent': true,
      reverse: true,
      follow: true,
      since: anything,
      until: anything,
      after: anything,
      before: anything,
      author: anything,
      grep: anything,
      'max-count': count,
    },
  },
  diff: { letters: 'wb', names: { ...changes, cached: true, staged: true, 'no-color': true } },
  show: { letters: 's', names: commits },
};

/** A commit, a range of them, or what stood at a path in one. */
const revision = /^[\p{L}\p{N}_@][\p{L}\p{N}_.@/~-]*$/u;

function isRevisionOrPlace({ text, isPattern }: ShellWord): boolean {
  if (isPattern) return false;
  const [commit = '', place, more] = text.split(':');
  if (place === undefined) return isOpenPlace(text) || (revision.test(text) && isOpenPlace(text.replaceAll('~', '-')));
  return more === undefined && revision.test(commit) && isOpenPlace(place);
}

export function gitLooks(words: readonly ShellWord[]): readonly string[] | undefined {
  const [first, ...rest] = words[0]?.text === '--no-pager' ? words.slice(1) : words;
  const options = first !== undefined && Object.hasOwn(known, first.text) ? known[first.text] : undefined;
  if (options === undefined) return undefined;
  const given = optionsIn(rest, options);
  if (given?.operands.every(isRevisionOrPlace) !== true) return undefined;
  return (['author', 'grep'] as const).flatMap((name) => given.options.get(name) ?? []);
}
