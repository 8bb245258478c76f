import { z } from 'zod';
import type { ChatPerson } from '../../contract/notifications.ts';
import { permissions } from '../permission.ts';

/** Of a configuration as it was written down, no more than this. */
const Document = z.object({
  notifications: z.object({
    endpoints: z.array(
      z.object({
        endpointId: z.string(),
        buttons: z
          .object({ people: z.array(z.object({ userId: z.string(), actor: z.string(), roles: z.array(z.string()) })) })
          .optional(),
      }),
    ),
  }),
});

/** Whether that configuration let this person approve by a button of this endpoint. One that cannot be read did not. */
export function wasBehindButton(document: unknown, endpointId: string, { userId, actor }: ChatPerson): boolean {
  const read = Document.safeParse(document);
  const allowed: readonly string[] = permissions['approval:decide'];
  return (
    read.success &&
    read.data.notifications.endpoints.some(
      (one) =>
        one.endpointId === endpointId &&
        one.buttons?.people.some(
          (other) =>
            other.userId === userId && other.actor === actor && other.roles.some((role) => allowed.includes(role)),
        ) === true,
    )
  );
}
