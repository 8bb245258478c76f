import type { ActivationResult, PoliciesInForce, PolicyCheck, PolicyTest } from '../contract/http/policies.ts';
import type { Transport } from './transport.ts';

type Files = Readonly<Record<string, string>>;

export interface Policies {
  /** What gateways decide by, and who activated what before. */
  inForce(): Promise<PoliciesInForce>;
  check(files: Files): Promise<PolicyCheck>;
  /** Recorded runs through the decision: those in force, or `files`. `runs` is one JSON object a line, `tools` the text of a file. */
  test(
    runs: string,
    options?: { readonly tools?: string; readonly files?: Files; readonly assume?: 'allow' | 'deny' },
  ): Promise<PolicyTest>;
  /** `after`: the activation that was looked at; another one since is a conflict. */
  activate(files: Files, options: { readonly reason: string; readonly after?: number }): Promise<ActivationResult>;
  /** Without a version: the set before this one. */
  rollBack(options: { readonly reason: string; readonly version?: string }): Promise<ActivationResult>;
}

export function createPolicies(call: Transport, baseUrl: string): Policies {
  return {
    inForce: () => call({ method: 'GET', baseUrl, path: '/v1/policies' }),
    check: (files) => call({ method: 'POST', baseUrl, path: '/v1/policies:check', isRepeated: true, body: { files } }),
    test: (runs, options = {}) =>
      call({ method: 'POST', baseUrl, path: '/v1/policies:test', isRepeated: true, body: { runs, ...options } }),
    activate: (files, options) =>
      call({ method: 'POST', baseUrl, path: '/v1/policies:activate', body: { files, ...options } }),
    rollBack: (options) => call({ method: 'POST', baseUrl, path: '/v1/policies:rollback', body: options }),
  };
}
