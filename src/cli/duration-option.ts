import { InvalidArgumentError } from 'commander';

const pattern = /^(\d{1,6})(ms|s|m|h)?$/;
const factors = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 } as const;

/** `30s`, `500ms`, `2m`; a bare number is seconds. */
export function parseDuration(text: string): number {
  const match = pattern.exec(text);
  const unit = (match?.[2] ?? 's') as keyof typeof factors; // the pattern lists exactly these
  if (match === null) throw new InvalidArgumentError('A duration looks like 30s, 500ms or 2m.');
  return Number(match[1]) * factors[unit];
}

/**
 * `--wait` alone means its default. Without this, `--wait agent` would read "agent" as the duration and then say something
 * confusing; a stop must not fail over the order of words.
 */
export function spellOutWait(args: readonly string[], fallback = '30s'): readonly string[] {
  return args.flatMap((word, index) => {
    if (word !== '--wait') return [word];
    return pattern.test(args[index + 1] ?? '') ? [word] : [`--wait=${fallback}`];
  });
}
