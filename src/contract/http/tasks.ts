import { z } from 'zod';
import { AgentId, AgentOrDrill, FreeText, Instant, OneLine, TaskId } from './fields.ts';
import { PageQuery, pageOf } from './page.ts';

export const StartTask = z
  .strictObject({
    agentId: AgentId,
    prompt: FreeText(200_000).meta({
      description: 'What the agent is asked to do. Encrypted in the history, kept nowhere else.',
    }),
    purpose: OneLine(200).optional().meta({ description: 'One line for operators, kept in the clear' }),
  })
  .meta({ id: 'StartTask' });

export const OpenSession = z
  .strictObject({
    agentId: AgentId,
    purpose: OneLine(200).optional().meta({ description: 'One line for operators, kept in the clear' }),
    idleMs: z.int().min(1_000).max(2_592_000_000).optional().meta({
      description: 'Ends without a call for so long; never longer than the configuration says',
    }),
    lifeMs: z.int().min(1_000).max(2_592_000_000).optional().meta({
      description: 'Ends after so long whatever it does; never longer than the configuration says',
    }),
  })
  .meta({ id: 'OpenSession' });

export const LedgerTaskState = z.enum(['registered', 'running', 'closed']);

/** Link into Temporal's own UI; `url` is null where no UI is configured. */
export const WorkflowLink = z
  .object({ workflowId: z.string(), namespace: z.string(), url: z.string().nullable() })
  .meta({ id: 'WorkflowLink' });

export const Task = z
  .object({
    taskId: z.string(),
    agentId: z.string(),
    kind: z.enum(['task', 'session', 'drill']).meta({
      description: 'A session stands for an agent that runs outside; a drill is a connector that is tried out',
    }),
    parentTaskId: z.string().nullable(),
    rootTaskId: z.string(),
    depth: z.int(),
    state: LedgerTaskState,
    held: z.boolean(),
    stoppedBy: z.string().nullable().meta({
      description: 'The stop that covers this task; of a closed one, the first that was latched while it was open',
    }),
    outcome: z.string().nullable(),
    purpose: z.string(),
    requestedBy: z.string(),
    epoch: z.int(),
    registeredAt: Instant,
    closedAt: Instant.nullable(),
    workflow: WorkflowLink,
  })
  .meta({ id: 'Task' });
export const TaskPage = pageOf(Task, 'TaskPage');

export const TaskTree = z
  .object({
    items: z.array(Task),
    truncated: z.boolean().meta({ description: 'There are more: these are the newest 200' }),
  })
  .meta({ id: 'TaskTree' });

export const TaskQuery = PageQuery.extend({
  agent: AgentOrDrill.optional(),
  state: z.enum(['open', 'closed']).optional(),
  drills: z.enum(['true', 'false']).default('false').meta({
    description: 'Also drills that are over; without it only where `agent` names one. Those under way are always there',
  }),
});
export const TaskPath = z.strictObject({ id: TaskId });

export const HistoryEntry = z
  .object({
    at: Instant,
    kind: z.string(),
    what: z.string(),
    by: z.string().nullable(),
    to: z
      .object({ ref: z.string(), path: z.string() })
      .nullable()
      .meta({ description: 'The task, stop, approval or connector that `what` names as `ref`: a path of the console' }),
  })
  .meta({ id: 'HistoryEntry' });

export const HistoryQuery = z.strictObject({
  live: z
    .enum(['true', 'false'])
    .default('false')
    .meta({ description: 'Also ask the running workflow; the answer may be null' }),
});

export const TaskHistory = z
  .object({
    task: Task,
    entries: z.array(HistoryEntry).meta({ description: 'From the ledger, oldest first' }),
    truncated: z.boolean(),
    live: z
      .object({
        state: z.string(),
        step: z.int(),
        tokensUsed: z.int(),
        timeline: z.array(z.object({ at: z.string(), what: z.string() })),
        retried: z
          .array(
            z.object({
              activity: z.string(),
              attempt: z.int(),
              failedWith: z.string().nullable().meta({ description: 'The code of the error' }),
              nextAt: Instant.nullable().meta({ description: 'Null while it is being tried' }),
            }),
          )
          .meta({ description: 'Steps that failed and are tried again' }),
      })
      .nullable()
      .meta({ description: 'What the workflow itself says; null when it was not asked or could not answer' }),
  })
  .meta({ id: 'TaskHistory' });

/** `woken` says whether the running workflow was told as well; the gateway obeys the ledger either way. */
export const HoldResult = z.object({ task: Task, woken: z.boolean() }).meta({ id: 'HoldResult' });

/** `woken: false`: the workflow could not be told; ask again. */
export const CloseResult = z.object({ task: Task, woken: z.boolean() }).meta({ id: 'CloseResult' });

export const TaskToken = z
  .object({ token: z.string(), expiresAt: Instant, taskId: z.string() })
  .meta({ id: 'TaskToken', description: 'Never stored: ask again for another' });

export type StartTask = z.infer<typeof StartTask>;
export type OpenSession = z.infer<typeof OpenSession>;
export type CloseResult = z.infer<typeof CloseResult>;
export type LedgerTaskState = z.infer<typeof LedgerTaskState>;
export type WorkflowLink = z.infer<typeof WorkflowLink>;
export type Task = z.infer<typeof Task>;
export type TaskTree = z.infer<typeof TaskTree>;
export type TaskPage = z.infer<typeof TaskPage>;
export type TaskQuery = z.infer<typeof TaskQuery>;
export type HistoryEntry = z.infer<typeof HistoryEntry>;
export type HistoryQuery = z.infer<typeof HistoryQuery>;
export type TaskHistory = z.infer<typeof TaskHistory>;
export type HoldResult = z.infer<typeof HoldResult>;
export type TaskToken = z.infer<typeof TaskToken>;
