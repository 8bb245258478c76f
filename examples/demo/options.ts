import { parseArgs } from 'node:util';

export const sabotages = ['fence', 'halt', 'revoke', 'probe'] as const;
export type Sabotage = (typeof sabotages)[number];

export interface DemoOptions {
  readonly json: boolean;
  readonly keep: boolean;
  /** One run can spoil several; `probe` spoils what `revoke` does as well, so beside it `revoke` shows nothing more. */
  readonly sabotage: readonly Sabotage[];
}

export function readOptions(args: readonly string[]): DemoOptions | string {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        json: { type: 'boolean', default: false },
        keep: { type: 'boolean', default: false },
        sabotage: { type: 'string' },
      },
      strict: true,
    });
    const asked = values.sabotage ?? '';
    const sabotage = sabotagesIn(asked);
    if (sabotage.join() !== asked || (values.sabotage !== undefined && sabotage.length === 0))
      return `--sabotage takes one of ${sabotages.join(', ')}, or several of them in this order with commas between`;
    return { json: values.json, keep: values.keep, sabotage };
  } catch (thrown) {
    return thrown instanceof Error ? thrown.message : 'bad options';
  }
}

/** What a list with commas names, in our order. */
export function sabotagesIn(list: string): readonly Sabotage[] {
  const named = list.split(',');
  return sabotages.filter((name) => named.includes(name));
}
