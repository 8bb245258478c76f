import { OpenAPIHono } from '@hono/zod-openapi';
import { Problem } from '../contract/http/problem.ts';
import { errorCatalogue } from '../core/errors.ts';
import type { Endpoint } from './endpoint.ts';
import { permissions } from './permission.ts';
import { endpoints } from './routes/index.ts';

const always = [
  'unauthenticated',
  'foreign-environment',
  'forbidden',
  'origin-refused',
  'store-unavailable',
  'internal',
] as const;

/** Every endpoint says by itself what it takes and answers, and who may call it; the document is derived, never written. */
function describeApi(app: OpenAPIHono): void {
  app.openAPIRegistry.registerComponent('securitySchemes', 'bearer', {
    type: 'http',
    scheme: 'bearer',
    bearerFormat: 'estop_<environment>_<43 characters>',
  });
  for (const endpoint of endpoints) app.openAPIRegistry.registerPath(describe(endpoint));
}

/** The document as it is served and committed (docs/openapi.json). */
export function apiDocument() {
  const app = new OpenAPIHono();
  describeApi(app);
  return app.getOpenAPI31Document(
    {
      openapi: '3.1.0',
      info: {
        title: 'estop control API',
        version: '1',
        description:
          'Start agent tasks, read what became of them, decide approvals, reset stops. Stops themselves go to the stop process, which depends on nothing here.',
        license: { name: 'Apache-2.0', url: 'https://www.apache.org/licenses/LICENSE-2.0' },
      },
      security: [{ bearer: [] }],
    },
    { sortComponents: 'alphabetically' },
  );
}

type PathItem = Parameters<OpenAPIHono['openAPIRegistry']['registerPath']>[0];

function describe(endpoint: Endpoint): PathItem {
  const { input, method } = endpoint;
  const hasBody = method === 'post' && Object.keys(shapeOf(input.body)).length > 0;
  return {
    method,
    path: endpoint.path,
    operationId: endpoint.id,
    summary: endpoint.summary,
    'x-estop-permission': endpoint.permission,
    'x-estop-roles': permissions[endpoint.permission],
    ...(method === 'post'
      ? { 'x-estop-repeats': endpoint.repeats ?? 'stored', 'x-estop-under-elevation': endpoint.underElevation }
      : {}),
    request: {
      params: input.path as never, // zod objects all; the registry's type wants their exact shape
      query: input.query as never,
      ...(hasBody ? { body: { required: true, content: { 'application/json': { schema: input.body } } } } : {}),
    },
    responses: { ...answersOf(endpoint), ...problemsOf(endpoint) },
  };
}

function answersOf({ answers }: Endpoint): PathItem['responses'] {
  return Object.fromEntries(
    answers.map(({ status, description, schema, mediaType }) => [
      status,
      { description, ...(schema === undefined ? {} : { content: { [mediaType ?? 'application/json']: { schema } } }) },
    ]),
  );
}

/** One entry a status; the codes it may carry stand in its description. */
function problemsOf(endpoint: Endpoint): PathItem['responses'] {
  const byInput =
    endpoint.method === 'post'
      ? (['invalid-input', 'invalid-json', 'body-too-large', 'unsupported-media-type'] as const)
      : (['invalid-input'] as const);
  const byKey =
    endpoint.method === 'post' && endpoint.repeats !== 'repeatable'
      ? (['idempotency-mismatch', 'idempotency-in-flight'] as const)
      : [];
  const codes = [...new Set([...always, ...byInput, ...byKey, ...endpoint.problems])].sort();
  const statuses = [...new Set(codes.map((code) => errorCatalogue[code].status))].sort((a, b) => a - b);
  return Object.fromEntries(
    statuses.map((status) => [
      status,
      {
        description: codes.filter((code) => errorCatalogue[code].status === status).join(', '),
        content: { 'application/problem+json': { schema: Problem } },
      },
    ]),
  );
}

function shapeOf(schema: Endpoint['input']['body']): object {
  return 'shape' in schema && typeof schema.shape === 'object' && schema.shape !== null ? schema.shape : {};
}
