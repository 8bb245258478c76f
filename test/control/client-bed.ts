import { createHash, randomBytes } from 'node:crypto';
import { createAdaptorServer } from '@hono/node-server';
import type { Client, OAuthClientProvider } from '@modelcontextprotocol/client';
import { beforeAll } from 'vitest';
import { type AgentSpec, defaultSignIn, type EstopConfig } from '../../src/contract/config.ts';
import { createClientDocuments } from '../../src/control/agent-clients/client-documents.ts';
import { createCallers } from '../../src/control/sign-in/callers.ts';
import { guardedFetch } from '../../src/runtime/guarded-fetch.ts';
import { createFlowKeys } from '../../src/runtime/keys/flow-keys.ts';
import { openKeyRing } from '../../src/runtime/keys/key-ring.ts';
import { createTaskTokenSigner } from '../../src/runtime/keys/task-token.ts';
import { freePort } from '../../src/runtime/local/free-port.ts';
import { billingBot, closeAfterAll, makeRig, type Rig, type RunningGateway, untilReady } from '../gateway/rig.ts';
import { putAgents } from '../store/ledger.ts';
import { field, makeControl } from './rig.ts';
import { type Browser, openBrowser, type Seen } from './sign-in/browser.ts';

const coder: AgentSpec = { ...billingBot, agentId: 'coder', owner: 'Vera' };
const other: AgentSpec = { ...billingBot, agentId: 'other', owner: 'nobody' };
export const callback = 'http://127.0.0.1:33418/callback';
export const verifier = 'a-verifier-that-is-long-enough-to-be-one-0123456789';

/** Control on a port of its own, a gateway that sends clients there, and what an editor and its person do. */
export function clientBed() {
  let rig: Rig;
  let gateway: RunningGateway;
  let issuer: string;
  let time = 0;
  let keys: readonly Uint8Array[] = [randomBytes(32)];

  beforeAll(async () => {
    rig = await makeRig();
    const control = await makeControl([]);
    const port = await freePort();
    issuer = `http://127.0.0.1:${port}`;
    let current: EstopConfig | undefined;
    const signIn = { ...defaultSignIn, clientDocuments: 'loopback' as const };
    rig.configure((before) => (current = { ...before, agents: [coder, other], signIn }));
    await putAgents(rig.ledger, [coder, other]);
    gateway = await rig.startGateway({ tokenIssuer: issuer });
    await untilReady(gateway);
    const ring = openKeyRing(rig.keysFolder, 'token', 'test');
    const config = { current: () => current as EstopConfig }; // set above
    const store = rig.ledger.as('estop_control');
    const { authenticator, log } = control.deps;
    const { app } = control.withDeps({
      store,
      config,
      callers: createCallers({ store, authenticator, config, log }),
      signer: createTaskTokenSigner({ ring, environment: 'test', trustDomain: 'test.local' }),
      flowKeys: createFlowKeys(openKeyRing(rig.keysFolder, 'flow', 'test')),
      controlUrl: issuer,
      gatewayUrl: gateway.url,
      clientKeys: () => keys,
      clientDocuments: createClientDocuments({ config, fetch: guardedFetch, log, now: () => time }),
    });
    const server = createAdaptorServer({ fetch: app.fetch, overrideGlobalObjects: false });
    await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', () => resolve()));
    closeAfterAll(() => new Promise((resolve) => server.close(() => resolve())));
  });

  const signedIn = async (as: string): Promise<Browser> => {
    const made = await fetch(`${issuer}/v1/login-links`, {
      method: 'POST',
      headers: { 'authorization': `Bearer ${as}`, 'content-type': 'application/json' },
      body: '{}',
    });
    const browser = openBrowser();
    await browser.press(await browser.open(String(field(await made.json(), 'url'))));
    return browser;
  };
  const register = async (redirects: readonly string[] = [callback]): Promise<string> => {
    const body = JSON.stringify({ client_name: 'An <b>editor</b>', redirect_uris: redirects });
    const headers = { 'content-type': 'application/json' };
    const made = await fetch(`${issuer}/oauth/register`, { method: 'POST', headers, body });
    return String(field(await made.json(), 'client_id'));
  };
  const challenge = createHash('sha256').update(verifier).digest('base64url');
  const asking = async (changes: Readonly<Record<string, string | undefined>> = {}): Promise<string> => {
    const asked = {
      client_id: await register(),
      redirect_uri: callback,
      response_type: 'code',
      code_challenge: challenge,
      code_challenge_method: 'S256',
      resource: `${gateway.url}/mcp`,
      state: 'its-state',
      ...changes,
    };
    const given = Object.entries(asked).filter((pair): pair is [string, string] => pair[1] !== undefined);
    return `${issuer}/oauth/authorize?${new URLSearchParams(given)}`;
  };
  /** Where the page sends the browser. */
  const answerOf = ({ text }: Seen): URL =>
    new URL((/<a href="([^"]*)">Back to the client/.exec(text)?.[1] ?? 'none:').replaceAll('&amp;', '&'));
  const connect = async (browser: Browser, url: string, more: Readonly<Record<string, string>> = {}): Promise<URL> =>
    answerOf(await browser.press(await browser.open(url), { answer: 'connect', agent: 'coder', ...more }));
  const exchange = async (form: Readonly<Record<string, string>>) => {
    const answer = await fetch(`${issuer}/oauth/token`, { method: 'POST', body: new URLSearchParams(form) });
    return { status: answer.status, body: (await answer.json()) as Readonly<Record<string, unknown>> }; // OAuth's words
  };
  const aCode = async (browser: Browser) => {
    const url = await asking();
    const answer = await connect(browser, url);
    return {
      grant_type: 'authorization_code',
      code: answer.searchParams.get('code') ?? '',
      redirect_uri: callback,
      client_id: new URL(url).searchParams.get('client_id') ?? '',
      code_verifier: verifier,
    };
  };
  const sessions = () =>
    rig.ledger.sql(
      "SELECT task_id, agent_id, requested_by, state <> 'closed' AS open FROM estop.tasks ORDER BY registered_at",
      [],
    );

  /** What an editor keeps, in memory. */
  function editor() {
    const kept: { asked?: URL; verifier?: string; client?: never; tokens?: never } = {};
    const provider: OAuthClientProvider = {
      redirectUrl: callback,
      clientMetadata: { client_name: 'editor', redirect_uris: [callback] },
      clientInformation: () => kept.client,
      saveClientInformation: (client) => void Object.assign(kept, { client }),
      tokens: () => kept.tokens,
      saveTokens: (tokens) => void Object.assign(kept, { tokens }),
      redirectToAuthorization: (url) => void Object.assign(kept, { asked: url }),
      saveCodeVerifier: (made) => void Object.assign(kept, { verifier: made }),
      codeVerifier: () => kept.verifier ?? '',
      state: () => 'a-state-of-the-editor',
    };
    return { kept, provider };
  }
  const read = (client: Client) =>
    client.callTool({ name: 'billing__get_invoice', arguments: { invoice_id: 'INV-1' } });
  return {
    get rig() {
      return rig;
    },
    get gateway() {
      return gateway;
    },
    get issuer() {
      return issuer;
    },
    /** For what is held of the documents of clients. */
    passTime: (ms: number): void => void (time += ms),
    /** Registers as at another installation. */
    registerElsewhere: async (): Promise<string> => {
      const mine = keys;
      keys = [randomBytes(32)];
      try {
        return await register();
      } finally {
        keys = mine;
      }
    },
    signedIn,
    register,
    asking,
    answerOf,
    connect,
    exchange,
    aCode,
    sessions,
    editor,
    read,
  };
}
