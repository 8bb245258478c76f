import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { apiDocument } from '../../src/control/describe-api.ts';
import { errorCatalogue } from '../../src/core/errors.ts';

describe('the OpenAPI document', () => {
  const document = apiDocument();
  const operations = Object.values(document.paths ?? {}).flatMap((item) =>
    Object.values(item as Record<string, Record<string, unknown>>),
  );

  it('is committed as it is served (npm run docs)', () => {
    expect(readFileSync(new URL('../../docs/openapi.json', import.meta.url), 'utf8')).toBe(
      `${JSON.stringify(document, null, 2)}\n`,
    );
  });

  it('is OpenAPI 3.1, with a bearer token on every operation', () => {
    expect(document.openapi).toBe('3.1.0');
    expect(document.security).toEqual([{ bearer: [] }]);
  });

  it('names only error codes that the catalogue has, under their own status', () => {
    for (const operation of operations) {
      for (const [status, response] of Object.entries(
        operation['responses'] as Record<string, { description: string; content?: object }>,
      )) {
        if (response.content === undefined || !('application/problem+json' in response.content)) continue;
        for (const code of response.description.split(', '))
          expect([code, errorCatalogue[code as keyof typeof errorCatalogue]?.status]).toEqual([code, Number(status)]);
      }
    }
  });

  it('keeps its routes: a change here is a change for every client', () => {
    const routes = Object.entries(document.paths ?? {}).flatMap(([path, item]) =>
      Object.keys(item as object).map((method) => `${method} ${path}`),
    );
    expect(routes.toSorted()).toEqual([
      'get /v1/agents',
      'get /v1/agents/{id}',
      'get /v1/agents/{id}/budgets',
      'get /v1/api-tokens',
      'get /v1/approvals',
      'get /v1/approvals/{id}',
      'get /v1/approvals/{id}/context',
      'get /v1/audit',
      'get /v1/audit/export',
      'get /v1/breakers',
      'get /v1/config',
      'get /v1/connectors',
      'get /v1/diagnosis',
      'get /v1/elevations',
      'get /v1/elevations/{id}',
      'get /v1/events',
      'get /v1/notices',
      'get /v1/people',
      'get /v1/playbooks',
      'get /v1/policies',
      'get /v1/running',
      'get /v1/secrets',
      'get /v1/sign-ins',
      'get /v1/stops',
      'get /v1/stops/{id}',
      'get /v1/stops/{id}/obligations',
      'get /v1/stops/{id}/timeline',
      'get /v1/tasks',
      'get /v1/tasks/{id}',
      'get /v1/tasks/{id}/history',
      'get /v1/tasks/{id}/tree',
      'get /v1/tools',
      'get /v1/tools/{id}',
      'get /v1/whoami',
      'post /v1/agents/{id}:reset-breaker',
      'post /v1/api-tokens',
      'post /v1/api-tokens/{id}:revoke',
      'post /v1/approvals/{id}:decide',
      'post /v1/connectors/{id}:drill',
      'post /v1/elevations',
      'post /v1/elevations/{id}:end',
      'post /v1/elevations/{id}:grant',
      'post /v1/elevations/{id}:review',
      'post /v1/login-links',
      'post /v1/notices:acknowledge',
      'post /v1/notices:test',
      'post /v1/obligations/{id}:accept-risk',
      'post /v1/people/{id}:disable',
      'post /v1/people/{id}:enable',
      'post /v1/playbooks:test',
      'post /v1/policies:activate',
      'post /v1/policies:check',
      'post /v1/policies:rollback',
      'post /v1/policies:test',
      'post /v1/secrets/{id}:remove',
      'post /v1/secrets/{id}:rotate',
      'post /v1/secrets/{id}:set',
      'post /v1/sessions',
      'post /v1/sign-ins/{id}:end',
      'post /v1/stops',
      'post /v1/stops/{id}:note',
      'post /v1/stops/{id}:proceed',
      'post /v1/stops/{id}:reset',
      'post /v1/stops:preview',
      'post /v1/tasks',
      'post /v1/tasks/{id}/tokens',
      'post /v1/tasks/{id}:close',
      'post /v1/tasks/{id}:hold',
      'post /v1/tasks/{id}:release',
      'post /v1/tools/{id}:accept',
    ]);
  });
});
