/** The project speaks of itself alone: no path of a machine it was written on, no host it was installed from. */
import type { SourceFile } from './source-tree.ts';

const foreign: readonly RegExp[] = [
  /(?<![\w.~-])\/(?:work|farm|root|home|Users)\/[\w.]/,
  /\bregistry\.npm|\/\/(?:registry|proxy|repo\d?|files)\.[a-z]+\.(?:org|dev|com)/,
  /\bbefore-stop\b|\bfarm-studio\b/,
];

/** These files hold the words on purpose: one is this list's test. */
const exempt = new Set(['test/conventions/words.ts', 'test/conventions/words.test.ts']);

export function foreignWords(files: readonly SourceFile[]): readonly string[] {
  return files.flatMap((file) => {
    if (exempt.has(file.path)) return [];
    return file.text
      .split('\n')
      .flatMap((line, index) =>
        foreign.some((word) => word.test(line)) ? [`${file.path}:${index + 1}: ${line.trim()}`] : [],
      );
  });
}
