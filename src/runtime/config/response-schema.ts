import { z } from 'zod';
import type { EstopConfig, SecretAt } from '../../contract/config.ts';
import { notificationsBlock, notificationsOf } from './notifications-schema.ts';
import { playbooksBlock, playbooksOf } from './playbooks-schema.ts';
import { triggersBlock, triggersOf } from './triggers-schema.ts';

/** Read by control and by the control worker, which open neither sealed secrets nor a vault. */
const secretAt: z.ZodType<SecretAt> = z
  .union([z.strictObject({ file: z.string().min(1) }), z.strictObject({ env: z.string().regex(/^[A-Z][A-Z0-9_]*$/) })])
  .describe('A secret is never a value here: name a file or an environment variable.');

/** What happens besides, when something happens: who is told, what stops, and what was agreed about it. */
export const responseKeys = {
  notifications: notificationsBlock(secretAt),
  triggers: triggersBlock(secretAt),
  playbooks: playbooksBlock,
};

const written = z.object(responseKeys);

export function responseOf(
  parsed: z.output<typeof written>,
  problems: { readonly path: readonly (string | number)[]; readonly message: string }[],
): Pick<EstopConfig, 'notifications' | 'triggers' | 'playbooks'> {
  const around = {
    endpoints: Object.keys(parsed.notifications?.endpoints ?? {}),
    triggers: Object.keys(parsed.triggers ?? {}),
  };
  return {
    ...notificationsOf(parsed.notifications, problems),
    ...triggersOf(parsed.triggers),
    ...playbooksOf(parsed.playbooks, around, problems),
  };
}
