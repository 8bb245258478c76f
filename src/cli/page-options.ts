import { type Command, InvalidArgumentError } from 'commander';

export interface PageOptions {
  readonly limit: number;
  readonly cursor?: string;
}

export function withPageOptions(command: Command): Command {
  return command
    .option('--limit <n>', 'how many (1-200)', parseLimit, 50)
    .option('--cursor <cursor>', 'go on where the last page ended');
}

export const pageQuery = ({ limit, cursor }: PageOptions): { limit: number; cursor?: string } => ({
  limit,
  ...(cursor === undefined ? {} : { cursor }),
});

function parseLimit(text: string): number {
  const limit = Number(text);
  if (!Number.isInteger(limit) || limit < 1 || limit > 200) throw new InvalidArgumentError('A number from 1 to 200.');
  return limit;
}
