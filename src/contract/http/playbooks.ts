import { z } from 'zod';
import { waitingPhases } from '../../core/playbook.ts';
import { cuttingPhases } from '../phases.ts';
import { OneLine, ScopeKeyText, StopId } from './fields.ts';
import { pageOf } from './page.ts';

/** What a playbook would make of a stop. Latch, fence and halt ask no playbook, so they are not in here. */
export const PlaybookChoice = z
  .object({
    playbookId: z.string(),
    category: z.int().meta({ description: 'Of what a trigger orders without saying; a person says it with the order' }),
    graceMs: z.int(),
    runs: z.array(z.enum(cuttingPhases)).meta({ description: 'Phases that run by themselves' }),
    waits: z.array(z.enum(waitingPhases)).meta({ description: 'Phases that wait for a person' }),
    notify: z.array(z.string()),
  })
  .meta({ id: 'PlaybookChoice' });

export const Playbook = PlaybookChoice.extend({
  environments: z.array(z.string()),
  applies: z.boolean().meta({ description: 'Whether it is approved for this environment' }),
  match: z.object({
    scopes: z.array(z.string()),
    labels: z.record(z.string(), z.string()),
    triggers: z.array(z.string()),
  }),
}).meta({ id: 'Playbook' });
export const PlaybookPage = pageOf(Playbook, 'PlaybookPage');

export const TestPlaybook = z.strictObject({
  scopeKey: ScopeKeyText,
  trigger: OneLine(63).optional().meta({ description: 'As if this trigger had ordered it' }),
});
export const PlaybookTest = z
  .object({
    scopeKey: z.string(),
    trigger: z.string().nullable(),
    playbook: PlaybookChoice.nullable(),
  })
  .meta({ id: 'PlaybookTest' });

export const ProceedPath = z.strictObject({ id: StopId });
export const ProceedPhase = z.strictObject({ phase: z.enum(waitingPhases), reason: OneLine(2_000) });
export const ProceedResult = z
  .object({ stopId: z.string(), phase: z.enum(waitingPhases), outcome: z.enum(['released', 'already', 'not-waiting']) })
  .meta({ id: 'ProceedResult' });

export type PlaybookChoice = z.infer<typeof PlaybookChoice>;
export type Playbook = z.infer<typeof Playbook>;
export type PlaybookPage = z.infer<typeof PlaybookPage>;
export type PlaybookTest = z.infer<typeof PlaybookTest>;
export type ProceedResult = z.infer<typeof ProceedResult>;
