import { beforeAll, describe, expect, it } from 'vitest';
import { apiDocument } from '../../src/control/describe-api.ts';
import type { TaskWorkflows } from '../../src/control/task-workflows.ts';
import { newId } from '../store/ledger.ts';
import { allRoles, type ControlRig, field, makeControl } from './rig.ts';

interface Operation {
  readonly name: string;
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly roles: readonly string[];
  readonly hasBody: boolean;
}

/** From the document, so that an endpoint added later is tested without anybody thinking of it. */
const operations: readonly Operation[] = Object.entries(apiDocument().paths ?? {}).flatMap(([path, item]) =>
  Object.entries(item as Record<string, Record<string, unknown>>).map(([method, operation]) => ({
    name: String(operation['operationId']),
    method: method === 'get' ? 'GET' : 'POST',
    path,
    roles: operation['x-estop-roles'] as string[],
    hasBody: operation['requestBody'] !== undefined,
  })),
);

const ids: Readonly<Record<string, string>> = {
  '/v1/agents': 'nobody',
  '/v1/tasks': newId('task'),
  '/v1/stops': newId('stop'),
  '/v1/approvals': newId('appr'),
  '/v1/tools': 'billing/refund',
  '/v1/connectors': 'nothing',
  '/v1/secrets': 'nothing',
  '/v1/people': newId('person'),
  '/v1/sign-ins': newId('sign'),
  '/v1/api-tokens': newId('api'),
  '/v1/elevations': newId('elev'),
  '/v1/obligations': `${newId('stop')}/${newId('grant')}`,
};

const target = (path: string): string => {
  const family = Object.keys(ids).find((prefix) => path.startsWith(prefix)) ?? '';
  return path.replace('{id}', encodeURIComponent(ids[family] ?? ''));
};

const bodies: Readonly<Record<string, object>> = {
  startTask: { agentId: 'nobody', prompt: 'x' },
  openSession: { agentId: 'nobody' },
  previewStop: { scopeKey: 'agent:nobody' },
  resetStop: { reason: 'x' },
  noteStop: { text: 'x' },
  resetBreaker: { breaker: 'call-rate', reason: 'x' },
  acceptRisk: { reason: 'x' },
  checkPolicies: { files: {} },
  testPolicies: { runs: '{}' },
  activatePolicies: { files: {}, reason: 'x' },
  rollBackPolicies: { reason: 'x' },
  acceptTool: { hash: 'a'.repeat(64) },
  setSecret: { value: 'x' },
  rotateSecret: { value: 'x' },
  makeLoginLink: {},
  makeApiToken: { name: 'x', roles: ['viewer'] },
  askElevation: { role: 'operator', minutes: 5, reason: 'x' },
  reviewElevation: { verdict: 'justified', note: 'x' },
  decideApproval: { decision: 'denied' },
  testPlaybook: { scopeKey: 'agent:nobody' },
  proceedPhase: { phase: 'purge-queue', reason: 'x' },
  acknowledgeNotices: { what: 'nothing' },
};

describe('who may do what', () => {
  let rig: ControlRig;
  const asked: string[] = [];
  const workflows: TaskWorkflows = {
    start: async () => {
      asked.push('start');
      return 'started';
    },
    tell: async () => {
      asked.push('tell');
      return true;
    },
    ask: async () => undefined,
    isReachable: async () => true,
  };
  beforeAll(async () => {
    rig = (await makeControl()).withDeps({ workflows });
  });

  const send = (operation: Operation, as: string | undefined) =>
    rig.call(operation.method, target(operation.path), {
      ...(as === undefined ? {} : { as }),
      ...(operation.hasBody ? { body: bodies[operation.name] ?? {} } : {}),
    });

  it('the document knows every operation and its roles', () => {
    expect(operations.length).toBeGreaterThanOrEqual(18);
    for (const operation of operations)
      expect([operation.name, operation.roles.length > 0]).toEqual([operation.name, true]);
  });

  // Written down by hand: a right that slipped into the table would be in the document as well.
  it('whoever looks changes nothing but what is their own, whoever decides decides, and the keys are the admin’s', () => {
    const may = (role: string, method: Operation['method']): readonly string[] =>
      operations.filter((one) => one.method === method && one.roles.includes(role)).map(({ name }) => name);
    const own = 'askElevation endElevation endSignIn makeApiToken revokeApiToken'.split(' ');
    // Where a stop belongs is said to everybody; who may order it is the stop process's to say.
    const looks = 'checkPolicies orderStop previewStop testPlaybook testPolicies'.split(' ');
    const viewer = [...own, ...looks, 'makeLoginLink'];
    expect(may('viewer', 'POST').toSorted()).toEqual(viewer.toSorted());
    const approver = [...viewer, 'acknowledgeNotices', 'decideApproval'];
    expect(may('approver', 'POST').toSorted()).toEqual(approver.toSorted());
    const [operator, admin] = [may('operator', 'POST'), may('admin', 'POST')];
    const alone =
      'acceptRisk acceptTool activatePolicies decideApproval disablePerson enablePerson issueTaskToken removeSecret rollBackPolicies rotateSecret setSecret';
    expect(admin.filter((name) => !operator.includes(name)).toSorted()).toEqual(alone.split(' '));
    expect([may('agent-worker', 'POST'), may('agent-worker', 'GET')]).toEqual([['issueTaskToken'], []]);
    const work = 'closeSession issueTaskToken openSession orderStop previewStop startTask testPlaybook'.split(' ');
    expect(may('service', 'POST').toSorted()).toEqual([...own, ...work].toSorted());
    const all = operations.filter(({ method }) => method === 'GET').map(({ name }) => name);
    const hidden = (role: string) => all.filter((name) => !may(role, 'GET').includes(name)).toSorted();
    expect(hidden('viewer')).toEqual(['getConfig', 'getDiagnosis', 'listPeople', 'listSecrets']);
    expect(hidden('operator')).toEqual(['listPeople']);
  });

  describe.each(operations)('$method $path', (operation) => {
    it.each(allRoles)('as %s', async (role) => {
      const answer = await send(operation, role);
      const isAllowed = operation.roles.includes(role);
      // A handler may refuse as well, for what it finds in the request; the table is the sentence that names the permission.
      const isRefused = answer.status === 403 && String(field(answer.body, 'detail')).startsWith('This needs ');
      expect([role, isRefused]).toEqual([role, !isAllowed]);
      expect(answer.status).not.toBe(401);
      expect(answer.status).toBeLessThan(500);
    });

    it('without a token, with a made-up one and with one of another environment', async () => {
      for (const as of [undefined, 'made-up', 'foreign']) {
        const answer = await send(operation, as);
        expect([as, answer.status]).toEqual([as, 401]);
        expect(answer.headers.get('www-authenticate')).toBe('Bearer');
        expect(field(answer.body, 'code')).toBe(as === 'foreign' ? 'foreign-environment' : 'unauthenticated');
      }
    });
  });

  it('a refusal says the same whether the object exists or not', async () => {
    const latched = newId('stop');
    await rig.ledger.sql(
      "INSERT INTO estop.stops (stop_id, epoch, scope_key, category, grace_ms, reason, actor, method) VALUES ($1, 900, 'agent:x', 0, 0, '', 'olga', 'api')",
      [latched],
    );
    const there = await rig.call('POST', `/v1/stops/${latched}:reset`, { as: 'viewer', body: { reason: 'x' } });
    const notThere = await rig.call('POST', `/v1/stops/${newId('stop')}:reset`, {
      as: 'viewer',
      body: { reason: 'x' },
    });
    const shape = (answer: typeof there): unknown => ({ ...(answer.body as object), requestId: '' });
    expect(shape(there)).toEqual(shape(notThere));
    expect(await rig.ledger.sql('SELECT reset_at FROM estop.stops WHERE stop_id = $1', [latched])).toEqual([
      { reset_at: null },
    ]);
  });

  it('what was refused left nothing behind but its record', async () => {
    const before = await rig.ledger.sql(
      'SELECT (SELECT count(*) FROM estop.tasks) AS tasks, (SELECT count(*) FROM estop.stops WHERE reset_at IS NOT NULL) AS resets',
    );
    asked.length = 0;
    for (const operation of operations) {
      for (const role of allRoles.filter((one) => !operation.roles.includes(one))) await send(operation, role);
    }
    const after = await rig.ledger.sql(
      'SELECT (SELECT count(*) FROM estop.tasks) AS tasks, (SELECT count(*) FROM estop.stops WHERE reset_at IS NOT NULL) AS resets',
    );
    expect(after).toEqual(before);
    expect(asked).toEqual([]);
    const [denied] = await rig.ledger.sql(
      "SELECT count(*)::int AS n FROM estop.audit WHERE kind = 'request.denied' AND detail->>'what' = 'resetStop' AND actor = 'viewer'",
    );
    expect(Number(denied?.['n'])).toBeGreaterThan(0);
  });
});
