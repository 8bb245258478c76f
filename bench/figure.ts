/** One figure, always beside the rival that was measured in the same run, so that a slow machine slows both. */
export interface Figure {
  readonly name: string;
  readonly value: number;
  readonly unit: 'µs' | 'ms' | 's' | 'kB' | 'MB' | '/s' | 'calls';
  readonly rival: number;
  /** What the rival is, in a few words. */
  readonly rivalName: string;
  readonly ratio: number;
  readonly bar: string;
  readonly holds: boolean;
}

interface Measured {
  readonly name: string;
  readonly value: number;
  readonly unit: Figure['unit'];
  readonly rival: number;
  readonly rivalName: string;
  readonly bar: string;
  readonly holds: (value: number, ratio: number) => boolean;
}

export function figure({ holds, ...measured }: Measured): Figure {
  const ratio = measured.rival === 0 ? Number.NaN : measured.value / measured.rival;
  return {
    ...measured,
    value: rounded(measured.value),
    rival: rounded(measured.rival),
    ratio: rounded(ratio),
    holds: holds(measured.value, ratio),
  };
}

export function percentile(values: readonly number[], p: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.ceil((p / 100) * sorted.length) - 1)] ?? Number.NaN;
}

function rounded(value: number): number {
  return Math.round(value * 100) / 100;
}
