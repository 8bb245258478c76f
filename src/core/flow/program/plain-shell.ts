/**
 * A line for a shell that can only look: programs of a short list, joined by `|`, `&&` and `;`, with arguments that make them
 * neither write nor run nor read where secrets are kept.
 *
 * Not protected: a shell that is none of the POSIX family (cmd.exe knows no single quotes), in which these names are other programs,
 * or in which somebody gave them another meaning (an alias, a function, a PATH); links that lead from an open place to a secret one,
 * and folders that the shell was taken into before (`cat config` says nothing of where); what is mounted, and may lie on another
 * host; and what the settings of git run (shell-git.ts).
 */
import { lookingPrograms } from './shell-programs.ts';
import { shellPrograms } from './shell-words.ts';

export interface PlainShell {
  readonly literals: readonly string[];
  readonly names: readonly string[];
}

export function plainShell(line: string): PlainShell | undefined {
  const programs = shellPrograms(line);
  if (programs === undefined) return undefined;
  const literals: string[] = [];
  const names: string[] = [];
  for (const [program, ...words] of programs) {
    if (program === undefined || program.isPattern || !Object.hasOwn(lookingPrograms, program.text)) return undefined;
    const said = lookingPrograms[program.text]?.(words);
    if (said === undefined) return undefined;
    literals.push(...said);
    names.push(...words.flatMap(({ text }) => (text.startsWith('-') ? [] : [text])));
  }
  return { literals, names };
}
