import { z } from 'zod';
import { Instant, OneLine } from './fields.ts';

/** A stop never waits for its reason: what is said about it afterwards stands beside it, and changes nothing of it. */
export const NoteStop = z.strictObject({ text: OneLine(500) }).meta({ id: 'NoteStop' });

export const StopTimeline = z
  .object({
    items: z
      .array(z.object({ at: Instant, kind: z.string(), what: z.string(), by: z.string().nullable() }))
      .meta({ description: 'Oldest first: order, stages, what each system did, notes, refused attempts, reset' }),
    truncated: z.boolean(),
    resetAskedBy: z.array(z.string()).meta({ description: 'Who has asked to reset it so far, where two have to' }),
  })
  .meta({ id: 'StopTimeline' });

export type StopTimeline = z.infer<typeof StopTimeline>;
