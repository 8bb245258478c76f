import { z } from 'zod';
import { StopId } from './fields.ts';

/**
 * Server-sent events carry STATE, not changes: an event that comes twice, or a stream that begins in the middle, cannot mislead.
 * Delivery is at least once: after a reconnect with Last-Event-ID, what changed near that moment is sent again.
 */
export const eventNames = ['stop', 'obligation', 'task', 'approval', 'breaker', 'hello', 'bye'] as const;
export type EventName = (typeof eventNames)[number];

export const EventsQuery = z.strictObject({
  stop: StopId.optional().meta({
    description: 'Only this stop and its obligations, beginning with their present state',
  }),
});

export type EventsQuery = z.infer<typeof EventsQuery>;
