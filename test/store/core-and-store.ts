import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import type { AgentSpec } from '../../src/contract/config.ts';
import { type ApprovalLife, onApproval } from '../../src/core/approval.ts';
import { oneCall } from '../../src/core/budget.ts';
import { deadBy } from '../../src/core/credential.ts';
import { type GrantLife, intended, onGrant } from '../../src/core/grant.ts';
import { agentKey, taskKey } from '../../src/core/scope-key.ts';
import { marksOf, onStop, type StopBook } from '../../src/core/stop.ts';
import { judgeCall, onTask, register, type TaskLife } from '../../src/core/task.ts';
import { decideApproval, requestApproval } from '../../src/store/approvals.ts';
import { admit } from '../../src/store/calls.ts';
import { confirmFence } from '../../src/store/gateways.ts';
import { handOver, mintIntend, mintIssued, mintRecheck } from '../../src/store/grants.ts';
import { currentEpoch } from '../../src/store/installation.ts';
import { latch } from '../../src/store/latch.ts';
import { resetStop } from '../../src/store/stops.ts';
import { registerChild, registerRoot } from '../../src/store/task-registration.ts';
import { beginTask, closeTasks, setTaskHeld } from '../../src/store/tasks.ts';
import { terms } from './calls.ts';
import { digestOf, fence, type Ledger, newId, order } from './ledger.ts';

/** What both sides know: the core's values, and the ids under which the store has the same. */
export interface Both {
  readonly l: Ledger;
  readonly gatewayId: string;
  readonly agents: readonly AgentSpec[];
  book: StopBook;
  readonly stopIds: string[];
  readonly tasks: {
    life: TaskLife;
    readonly parent: number | undefined;
    readonly agent: AgentSpec;
    approval: { life: ApprovalLife; readonly id: string } | undefined;
  }[];
  readonly grants: { life: GrantLife; readonly task: number; readonly id: string }[];
}

const line = (both: Both, index: number): [TaskLife, ...TaskLife[]] => {
  const task = both.tasks[index];
  if (task === undefined) throw new Error('no such task');
  return task.parent === undefined ? [task.life] : [task.life, ...line(both, task.parent)];
};

type Step = { readonly kind: string; readonly one: number; readonly two: number };

const kinds = [
  'latch',
  'latch',
  'again',
  'fence',
  'fence',
  'reset',
  'reset',
  'root',
  'root',
  'child',
  'begin',
  'hold',
  'release',
  'close',
  'call',
  'call',
  'ask',
  'approve',
  'self-approve',
  'approved-call',
  'intend',
  'intend',
  'recheck',
  'recheck',
  'answered',
  'hand-over',
] as const;
export const histories = fc.array(fc.record({ kind: fc.constantFrom(...kinds), one: fc.nat(11), two: fc.nat(11) }), {
  minLength: 20,
  maxLength: 60,
});

/** Does one step on both sides and returns both answers. `undefined`: there is nothing yet that it could be done to. */
export async function step(both: Both, { kind, one, two }: Step): Promise<readonly [unknown, unknown] | undefined> {
  const { l, book } = both;
  const stops = marksOf(book);
  const pick = <Item>(items: readonly Item[], index: number): Item | undefined =>
    items[index % Math.max(items.length, 1)];
  const stopId = pick(both.stopIds, one);
  const taskIndex = both.tasks.length === 0 ? undefined : one % both.tasks.length;
  const task = taskIndex === undefined ? undefined : both.tasks[taskIndex];
  const grant = pick(both.grants, one);
  switch (kind) {
    case 'latch': {
      const agent = pick(both.agents, one);
      const scopeKey = two % 3 === 0 && task !== undefined ? taskKey(task.life.taskId) : agentKey(agent?.agentId ?? '');
      const fresh = newId('stop');
      both.stopIds.push(fresh);
      const core = onStop(book, { kind: 'latch', stopId: fresh, scopeKey });
      both.book = core.book;
      const store = await latch(l.as('estop_stop'), order(scopeKey, { stopId: fresh }));
      return [
        { answer: core.answer, epoch: core.book.epoch },
        { answer: store.kind, epoch: store.kind === 'latched' ? store.epoch : undefined },
      ];
    }
    case 'again': {
      const known = book.stops.find((stop) => stop.stopId === stopId);
      if (known === undefined) return undefined;
      const scopeKey = two % 2 === 0 ? known.scopeKey : agentKey('somebody-else');
      const core = onStop(book, { kind: 'latch', stopId: known.stopId, scopeKey });
      const store = await latch(l.as('estop_stop'), order(scopeKey, { stopId: known.stopId }));
      return [core.answer, store.kind === 'latched' && !store.fresh ? 'same-stop' : store.kind];
    }
    case 'fence': {
      if (stopId === undefined) return undefined;
      const first = book.stops.some((stop) => stop.stopId === stopId && !stop.fenced);
      both.book = onStop(book, { kind: 'fenced', stopId }).book;
      // The report of a fence closes what is dead by then.
      for (const { life, approval } of first ? both.tasks : []) {
        if (approval !== undefined && deadBy(life.credential, stops) !== undefined)
          approval.life = onApproval(approval.life, { kind: 'close' }, 0, true).approval;
      }
      const epoch = await currentEpoch(l.as('estop_control'));
      const [newest] = await l.sql('SELECT estop.order_at($1) AS order', [epoch]);
      await confirmFence(l.as('estop_gateway'), both.gatewayId, epoch, String(newest?.['order']));
      return [true, await fence(l, stopId)];
    }
    case 'reset': {
      if (stopId === undefined) return undefined;
      const core = onStop(book, { kind: 'reset', stopId, actor: 'olga' });
      both.book = core.book;
      const store = await resetStop(l.as('estop_control'), { stopId, actor: 'olga', reason: 'r' });
      return [
        { answer: core.answer, epoch: core.book.epoch },
        { answer: store.kind, epoch: await currentEpoch(l.as('estop_control')) },
      ];
    }
    case 'root':
    case 'child': {
      const agent = pick(both.agents, two);
      if (agent === undefined || (kind === 'child' && task === undefined)) return undefined;
      const parent = kind === 'child' ? task : undefined;
      const taskId = newId('task');
      const keys = ['fleet', agentKey(agent.agentId), taskKey(taskId), ...(parent?.life.credential.keys ?? [])];
      const core = register(taskId, keys, book.epoch, stops, parent?.life);
      if (core.kind === 'registered')
        both.tasks.push({
          life: core.task,
          parent: parent === undefined ? undefined : taskIndex,
          agent,
          approval: undefined,
        });
      const store =
        parent === undefined
          ? await registerRoot(l.as('estop_control'), { taskId, agent, purpose: '', requestedBy: 'rita' })
          : await registerChild(l.as('estop_trusted'), {
              taskId,
              parentTaskId: parent.life.taskId,
              parentAgent: parent.agent,
              agent,
              purpose: '',
            });
      return [
        core.kind === 'registered' ? { kind: core.kind, epoch: core.task.credential.epoch } : core,
        store.kind === 'registered'
          ? { kind: store.kind, epoch: store.task.epoch }
          : store.kind === 'refused'
            ? { kind: store.reason }
            : store,
      ];
    }
    case 'begin':
    case 'hold':
    case 'release':
    case 'close': {
      if (task === undefined) return undefined;
      const wasOpen = task.life.state !== 'closed';
      const core = onTask(task.life, { kind }, stops);
      task.life = core.task;
      if (kind === 'close' && task.approval !== undefined)
        task.approval.life = onApproval(task.approval.life, { kind: 'close' }, 0, false).approval;
      const { taskId } = task.life;
      if (kind === 'begin') return [core.answer, (await beginTask(l.as('estop_trusted'), taskId)).kind];
      if (kind === 'close') return [wasOpen ? 1 : 0, await closeTasks(l.as('estop_trusted'), [taskId], 'done')];
      return [core.answer === 'done', await setTaskHeld(l.as('estop_control'), taskId, kind === 'hold', 'olga')];
    }
    case 'call':
    case 'approved-call': {
      if (task === undefined || taskIndex === undefined) return undefined;
      const epoch = two % 4 === 0 ? task.life.credential.epoch - 1 : task.life.credential.epoch;
      const answer = judgeCall(line(both, taskIndex), ['tool:mail/send'], epoch, stops);
      let core: string = answer;
      if (kind === 'approved-call') {
        core = 'needs-approval';
        if (task.approval !== undefined) {
          const redeemed = onApproval(task.approval.life, { kind: 'redeem', call: answer }, 0, false);
          task.approval.life = redeemed.approval;
          core = redeemed.answer;
        }
      }
      const store = await admit(l.as('estop_gateway'), {
        callId: newId('call'),
        gatewayId: both.gatewayId,
        taskId: task.life.taskId,
        tokenEpoch: epoch,
        keys: [],
        toolKey: 'tool:mail/send',
        digest: digestOf('x'),
        needsApproval: kind === 'approved-call',
        worst: oneCall,
        ...terms,
      });
      return [core, store.kind === 'denied' ? store.reason : store.kind];
    }
    case 'ask': {
      if (task === undefined) return undefined;
      const dead = deadBy(task.life.credential, stops) !== undefined;
      const open =
        task.approval !== undefined &&
        (task.approval.life.state === 'pending' || task.approval.life.state === 'approved');
      const id = newId('appr');
      const store = await requestApproval(l.as('estop_gateway'), {
        approvalId: id,
        taskId: task.life.taskId,
        tokenEpoch: task.life.credential.epoch,
        toolKey: 'tool:mail/send',
        digest: digestOf('x'),
        shown: '',
        ttlMs: 3_600_000,
        ...terms,
      });
      const refused = dead || task.life.state === 'closed';
      if (refused && open && task.approval !== undefined)
        task.approval.life = { ...task.approval.life, state: 'closed' };
      if (!refused && !open)
        task.approval = { id, life: { state: 'pending', approvers: 1, requestedBy: 'rita', expiresAt: 1 } };
      return [refused ? 'refused' : task.approval?.life.state, store.kind === 'open' ? store.state : store.kind];
    }
    case 'approve':
    case 'self-approve': {
      if (task?.approval === undefined) return undefined;
      const actor = kind === 'approve' ? 'anna' : 'rita';
      const dead = deadBy(task.life.credential, stops) !== undefined;
      const core = onApproval(task.approval.life, { kind: 'decide', decision: 'approved', actor }, 0, dead);
      task.approval.life = core.approval;
      return [
        core.answer,
        (
          await decideApproval(l.as('estop_control'), {
            approvalId: task.approval.id,
            decision: 'approved',
            actor,
            reason: '',
          })
        ).kind,
      ];
    }
    case 'intend': {
      if (task === undefined || taskIndex === undefined) return undefined;
      const id = newId('grant');
      const dead = deadBy(task.life.credential, stops) !== undefined;
      const core = task.life.state === 'closed' ? 'task-closed' : dead ? 'stopped' : 'intended';
      if (core === 'intended') both.grants.push({ id, task: taskIndex, life: intended });
      const store = await mintIntend(l.as('estop_trusted'), {
        grantId: id,
        name: id,
        taskId: task.life.taskId,
        connector: 'c',
        target: 't',
        shared: false,
        handle: {},
        epoch: task.life.credential.epoch,
        lifeMs: 3_600_000,
      });
      return [core, store.kind === 'refused' ? store.reason : store.kind];
    }
    case 'recheck':
    case 'answered':
    case 'hand-over': {
      if (grant === undefined) return undefined;
      const [owner, ...above] = line(both, grant.task);
      const view = {
        dead: deadBy(owner.credential, stops) !== undefined,
        taskClosed: owner.state === 'closed',
        taskHeld: [owner, ...above].some((life) => life.held),
        pastEnd: false,
      };
      const core = onGrant(grant.life, { kind }, view);
      grant.life = core.grant;
      if (kind === 'recheck') return [core.answer, (await mintRecheck(l.as('estop_trusted'), grant.id)).kind];
      if (kind === 'answered')
        return [core.answer, (await mintIssued(l.as('estop_trusted'), grant.id, randomBytes(4))).kind];
      return [
        core.answer,
        (await handOver(l.as('estop_gateway'), owner.taskId, grant.id, owner.credential.epoch)).kind,
      ];
    }
    default:
      throw new Error(`no step ${kind}`);
  }
}
