import { parseArgs } from 'node:util';

export const sabotages = ['fence', 'halt', 'revoke', 'probe'] as const;
export type Sabotage = (typeof sabotages)[number];

export interface DemoOptions {
  readonly json: boolean;
  readonly keep: boolean;
  readonly sabotage: Sabotage | undefined;
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
    const sabotage = sabotages.find((name) => name === values.sabotage);
    if (values.sabotage !== undefined && sabotage === undefined)
      return `--sabotage takes one of: ${sabotages.join(', ')}`;
    return { json: values.json, keep: values.keep, sabotage };
  } catch (thrown) {
    return thrown instanceof Error ? thrown.message : 'bad options';
  }
}
