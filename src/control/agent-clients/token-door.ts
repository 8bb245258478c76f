import { randomBytes } from 'node:crypto';
import type { OpenAPIHono } from '@hono/zod-openapi';
import type { Context } from 'hono';
import { z } from 'zod';
import type { AgentSpec } from '../../contract/config.ts';
import { EstopError, errorCodeOf } from '../../core/errors.ts';
import { byWay } from '../../store/by-way.ts';
import { getTask, openSessionOf, type TaskRecord } from '../../store/tasks.ts';
import type { ControlDeps } from '../deps.ts';
import { signFor } from '../routes/issue-task-token.ts';
import { failedSignIns } from '../sign-in/failed-sign-in.ts';
import { startTask } from '../start-task.ts';
import { agentOfClient, oneOf, shownClient } from './check-client.ts';
import { nameClient } from './client-name.ts';
import { consentPath } from './consent-page.ts';
import { exchangeTicket, issuerOf } from './session-tickets.ts';

const metadataPath = '/.well-known/oauth-authorization-server';
const tokenPath = '/oauth/token';
const registrationPath = '/oauth/register';
const longestForm = 16_384;

const Registration = z.object({
  client_name: z.string().max(1_000).optional(),
  redirect_uris: z.array(z.string().max(300)).min(1).max(20),
});

/**
 * Where a program that is a client of an agent gets its tokens, in the words of OAuth. With client credentials: its first call at the
 * gateway is refused and sends it here, which opens a session; whenever a token ends it comes again and goes on in the same one.
 * A client has one session at a time. What it holds for long opens nothing at the gateway. A program without credentials registers, or
 * has an address as its id (client-documents.ts), a person lets it be one of their agents (consent-page.ts), and it comes here with its code.
 */
export function tokenDoor(app: OpenAPIHono, deps: ControlDeps): void {
  const issuer = issuerOf(deps);
  const noteFailed = failedSignIns(deps);
  const opening = new Map<string, Promise<TaskRecord>>();
  app.get(metadataPath, (context) =>
    context.json({
      issuer,
      token_endpoint: `${issuer}${tokenPath}`,
      authorization_endpoint: `${issuer}${consentPath}`,
      registration_endpoint: `${issuer}${registrationPath}`,
      response_types_supported: ['code'],
      grant_types_supported: ['authorization_code', 'refresh_token', 'client_credentials'],
      code_challenge_methods_supported: ['S256'],
      authorization_response_iss_parameter_supported: true,
      client_id_metadata_document_supported: deps.clientDocuments?.isServed() ?? false,
      token_endpoint_auth_methods_supported: ['none', 'client_secret_basic', 'client_secret_post'],
    }),
  );
  app.post(registrationPath, async (context) => {
    const asked = Registration.safeParse(await readSmallJson(context));
    if (!asked.success) return refuse(context, 400, 'invalid_client_metadata', 'redirect_uris are wanted.');
    const named = nameClient(deps.clientKeys?.() ?? [], asked.data.client_name ?? '', asked.data.redirect_uris);
    if (named === undefined)
      return refuse(
        context,
        400,
        'invalid_redirect_uri',
        'An address of a program (RFC 8252) is wanted: http://127.0.0.1/.. or a scheme of its own.',
      );
    const { clientId, name, redirects } = named;
    const answer = {
      client_id: clientId,
      client_id_issued_at: Math.floor(Date.now() / 1_000),
      client_name: name,
      redirect_uris: redirects,
      token_endpoint_auth_method: 'none',
      grant_types: ['authorization_code', 'refresh_token'],
      response_types: ['code'],
    };
    return context.json(answer, 201);
  });
  app.post(tokenPath, async (context) => {
    const form = await readForm(context);
    if (form === undefined) return refuse(context, 400, 'invalid_request', 'A form of a few lines is wanted.');
    if (form.has('client_assertion') || form.has('client_assertion_type'))
      return refuse(context, 401, 'invalid_client', 'Clients that prove themselves with keys are not served.');
    if (context.req.header('authorization') === undefined && !form.has('client_secret')) {
      try {
        const exchanged = await exchangeTicket(deps, form);
        if (exchanged?.ok === false) {
          noteFailed(context, { door: 'mcp', because: exchanged.error, what: tokenPath });
          return refuse(context, 400, exchanged.error, exchanged.why);
        }
        if (exchanged !== undefined) return context.json({ ...tokenOf(exchanged), refresh_token: exchanged.refresh });
      } catch (thrown) {
        return refusal(context, thrown);
      }
    }
    const shown = shownClient(context.req.header('authorization'), form);
    const agent = shown === undefined ? undefined : agentOf(deps, shown);
    if (shown === undefined || agent === undefined) {
      deps.log.warn(
        { event: 'client.denied', client: shown?.clientId.slice(0, 130) },
        'a client that nobody registered, or with another secret, asked for a token',
      );
      noteFailed(context, { door: 'mcp', because: 'unknown-client', what: tokenPath });
      context.header('www-authenticate', 'Basic realm="estop"');
      return refuse(context, 401, 'invalid_client', 'No such client.');
    }
    if (oneOf(form, 'grant_type') !== 'client_credentials')
      return refuse(context, 400, 'unsupported_grant_type', 'Only client_credentials.');
    try {
      // Two requests of one client at once are one session.
      const { clientId } = shown;
      const session =
        opening.get(clientId) ?? sessionFor(deps, agent, clientId).finally(() => opening.delete(clientId));
      opening.set(clientId, session);
      return context.json(tokenOf(await signFor(deps, await session)));
    } catch (thrown) {
      return refusal(context, thrown);
    }
  });
}

const tokenOf = ({ token, expiresAt }: { readonly token: string; readonly expiresAt: number }) => ({
  access_token: token,
  token_type: 'Bearer',
  expires_in: Math.max(1, Math.floor((expiresAt - Date.now()) / 1_000)),
});

async function readSmallJson({ req }: Context): Promise<unknown> {
  if (!(Number(req.header('content-length') ?? Number.NaN) <= longestForm)) return undefined;
  return req.json().catch(() => undefined);
}

function agentOf(deps: ControlDeps, shown: Parameters<typeof agentOfClient>[1]): AgentSpec | undefined {
  if (deps.readSecret === undefined) return undefined;
  return agentOfClient(deps.config.current(), shown, deps.readSecret);
}

/** Its own, if it has one that is open and not under a stop; a stop in force refuses a new one as well. */
async function sessionFor(deps: ControlDeps, agent: AgentSpec, clientId: string): Promise<TaskRecord> {
  const actor = `client:${clientId}`;
  const open = await openSessionOf(deps.store, agent.agentId, actor);
  if (open !== undefined) return open;
  const wanted = { agentId: agent.agentId, prompt: '', session: {} };
  const byMcp = { ...deps, store: byWay(deps.store, 'mcp') };
  const taskId = await startTask(byMcp, wanted, { identity: { actor, roles: [] }, seed: () => randomBytes(16) });
  const task = await getTask(deps.store, taskId);
  if (task === undefined) throw new EstopError('unknown-task');
  deps.log.info({ event: 'session.opened', client: clientId, taskId }, 'a client opened a session');
  return task;
}

async function readForm({ req }: Context): Promise<URLSearchParams | undefined> {
  if (!(req.header('content-type') ?? '').startsWith('application/x-www-form-urlencoded')) return undefined;
  if (Number(req.header('content-length') ?? Number.NaN) <= longestForm) return new URLSearchParams(await req.text());
  return undefined;
}

function refuse(context: Context, status: 400 | 401 | 403 | 503, error: string, description: string): Response {
  return context.json({ error, error_description: description }, status);
}

/** In the words of OAuth, as far as it has any. */
function refusal(context: Context, thrown: unknown): Response {
  const code = errorCodeOf(thrown);
  if (code === 'stopped') return refuse(context, 403, 'access_denied', 'An emergency stop covers this agent.');
  if (code === 'limit-exceeded') return refuse(context, 403, 'access_denied', 'This agent has too many open tasks.');
  if (code === 'temporal-unavailable' || code === 'store-unavailable')
    return refuse(context, 503, 'temporarily_unavailable', 'No session can be opened right now.');
  throw thrown;
}
