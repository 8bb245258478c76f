/** A page of figures as Prometheus reads it: every name that it describes, and its samples. */
export interface Figures {
  readonly names: ReadonlySet<string>;
  /** Labels without the name of the process, as written. */
  readonly samples: readonly { readonly name: string; readonly labels: string; readonly value: number }[];
  readonly text: string;
}

export async function scrape(url: string): Promise<Figures> {
  const response = await fetch(url, { signal: AbortSignal.timeout(10_000) });
  if (!response.ok) throw new Error(`${url}: HTTP ${response.status}`);
  return readFigures(await response.text());
}

export function readFigures(text: string): Figures {
  const samples = text
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => {
      const match = /^([A-Za-z_:][\w:]*)(?:\{(.*)\})? (\S+)/.exec(line);
      if (match === null) throw new Error(`not a sample: ${line}`);
      return {
        name: match[1] ?? '',
        labels: match[2] ?? '',
        value: Number((match[3] ?? '').replace('Inf', 'Infinity')),
      };
    });
  const described = [...text.matchAll(/^# TYPE (\S+) /gm)].map(([, name = '']) => name);
  return { names: new Set([...described, ...samples.map(({ name }) => name)]), samples, text };
}

export function valueOf(figures: Figures, name: string, ...having: readonly string[]): number | undefined {
  return figures.samples.find((one) => one.name === name && having.every((part) => one.labels.includes(part)))?.value;
}
