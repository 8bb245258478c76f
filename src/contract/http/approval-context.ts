import { z } from 'zod';
import { Approval } from './approvals.ts';
import { Task } from './tasks.ts';
import { ToolPin } from './tools.ts';

/** An approval with what a person needs beside it. Nothing in it was written by a model, but `shown` and `purpose`. */
export const ApprovalContext = z
  .object({
    approval: Approval,
    mayApprove: z.boolean().meta({ description: 'Whether you may, as far as it can be known before you do' }),
    whyNot: z.string().nullable(),
    approvableInMs: z.int().meta({
      description:
        'A call of the highest risk can be approved only so long after you were first shown it, here, by the clock of the store; 0: at once. Denying never waits',
    }),
    tool: ToolPin.nullable().meta({ description: 'Its accepted definition; null where none is on record' }),
    task: Task.nullable(),
    owner: z.string().nullable(),
    stopHolder: z.string().nullable(),
    similar: Approval.nullable().meta({
      description: 'The last call of the same tool by the same agent that a person decided',
    }),
    lately: z
      .object({ approved: z.int(), denied: z.int(), pendingOfAgent: z.int() })
      .meta({ description: 'Of the same tool and agent, within a day' }),
  })
  .meta({ id: 'ApprovalContext' });

export type ApprovalContext = z.infer<typeof ApprovalContext>;
