import picocolors from 'picocolors';

/** What the demo shows: lines for people, or JSON lines for programs. Both are made from the same facts. */
export interface Screen {
  step(text: string, fields?: Readonly<Record<string, unknown>>): void;
  fact(kind: string, text: string, fields: Readonly<Record<string, unknown>>): void;
  summary(value: object, lines: readonly string[]): void;
}

export function createScreen(json: boolean, startedAt: number): Screen {
  const at = (): number => Date.now() - startedAt;
  const emit = (value: object): void => void process.stdout.write(`${JSON.stringify(value)}\n`);
  if (json) {
    return {
      step: (text, fields = {}) => emit({ kind: 'step', atMs: at(), text, ...fields }),
      fact: (kind, text, fields) => emit({ kind, atMs: at(), text, ...fields }),
      summary: (value) => emit(value),
    };
  }
  const clock = (): string => picocolors.dim(`${(at() / 1000).toFixed(2).padStart(6)} s`);
  return {
    step: (text) => void process.stdout.write(`${clock()}  ${picocolors.bold(text)}\n`),
    fact: (_kind, text) => void process.stdout.write(`${clock()}    ${text}\n`),
    summary: (_value, lines) => void process.stdout.write(`\n${lines.join('\n')}\n`),
  };
}
