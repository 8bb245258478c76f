import { PolicyTest, TestPolicies } from '../../contract/http/policies.ts';
import { backtestLimits, backtestOnce } from '../backtest/backtest.ts';
import { defineEndpoint, nothing } from '../endpoint.ts';
import { policiesInForce } from '../policies.ts';

/** Recorded runs through the decision that gateways make. In a thread and for a bounded time: nobody waits for it but who asked. */
export const testPolicies = defineEndpoint({
  method: 'post',
  underElevation: 'allowed',
  path: '/v1/policies:test',
  id: 'testPolicies',
  summary: 'What these policies, or those in force, would have decided of recorded runs; asks nobody, calls nothing',
  permission: 'policy:read',
  repeats: 'repeatable',
  input: { path: nothing, query: nothing, body: TestPolicies },
  answers: [{ status: 200, description: 'A decision for each call of each run', schema: PolicyTest }],
  problems: ['conflict', 'limit-exceeded'],
  handle: async ({ body }, { signal }, deps) => {
    const { runs, tools, assume } = body;
    const files = body.files ?? (await policiesInForce(deps)).files;
    return {
      status: 200,
      body: await backtestOnce(deps, { files, runs, tools, assume }, { patienceMs: backtestLimits.patienceMs, signal }),
    };
  },
});
