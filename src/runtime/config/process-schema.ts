import { z } from 'zod';
import type { ProcessSpec, SecretAt, ToolServerSpec } from '../../contract/config.ts';

const noNul = z.string().refine((text) => !text.includes('\0'), 'must not hold a NUL character');

/** A tool server that the gateway starts itself. No part of it is read by a shell. */
export const processKeys = (secretAt: z.ZodType<SecretAt>) => ({
  command: noNul.min(1).optional().describe('A program to start as the server, in place of a url.'),
  args: z.array(noNul).max(100).optional(),
  env: z
    .record(z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/), z.union([noNul, secretAt]))
    .optional()
    .describe('All of its environment besides PATH: texts, or secrets by file or environment variable.'),
  user: z
    .string()
    .regex(/^[a-z_][a-z0-9_-]{0,31}$/)
    .optional()
    .describe('The account it runs under.'),
});

interface Block {
  readonly url?: string | undefined;
  readonly command?: string | undefined;
  readonly args?: readonly string[] | undefined;
  readonly env?: ProcessSpec['env'] | undefined;
  readonly user?: string | undefined;
}

/** Undefined: it is one of both, and nothing of the other. */
export function reachFault({ url, command, args, env, user }: Block): string | undefined {
  if ((url === undefined) === (command === undefined)) return 'needs either url or command';
  if (command === undefined && (args ?? env ?? user) !== undefined) return 'args, env and user go with command';
  return undefined;
}

export function reachOf({ url, command, args = [], env = {}, user }: Block): Pick<ToolServerSpec, 'url' | 'process'> {
  if (command === undefined) return url === undefined ? {} : { url };
  return { process: { command, args, env, ...(user === undefined ? {} : { user }) } };
}
