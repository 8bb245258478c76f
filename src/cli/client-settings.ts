/** What each client of MCP wants to read. Pure: the same task and gateway give the same text. No token is ever in it. */

/** Where clients that cannot run a helper look for the token. */
export const tokenVariable = 'ESTOP_TASK_TOKEN';

interface ClientSettings {
  /** Where the text belongs; undefined where every client has a place of its own. */
  readonly file?: string;
  readonly text: string;
  /** It fetches tokens by itself; for the others somebody puts one into the environment. */
  readonly renewsItself: boolean;
}

export interface SignInSettings {
  readonly file?: string;
  readonly text: string;
  /** What a person does next. */
  readonly next: string;
}

interface Client {
  readonly file?: string;
  /** With a session that is open already. */
  readonly session: (url: string, helper: string) => string;
  readonly renewsItself?: true;
  /**
   * Without one: the client finds out from the gateway where it gets its tokens. A person lets it in in a browser; a program that nobody
   * sits at shows a secret that its agent's configuration names.
   */
  readonly signIn: (url: string, issuer: string) => string;
  readonly next: string;
}

const json = (value: unknown): string => JSON.stringify(value, null, 2);
const serversOf = (server: object): string => json({ mcpServers: { estop: server } });
const bearer = (token: string) => ({ headers: { Authorization: `Bearer ${token}` } });
/** A client that reads no variables has the token itself in its settings: whoever puts it there replaces this. */
const byHand = `<${tokenVariable}>`;

/** As the documentation of each has it. One line of a client's own that names a variable keeps the token out of its file. */
const clients = {
  'claude-code': {
    file: '.mcp.json',
    session: (url, headersHelper) => serversOf({ type: 'http', url, headersHelper }),
    renewsItself: true,
    signIn: (url) => serversOf({ type: 'http', url }),
    next: 'In Claude Code: /mcp, estop, Authenticate.',
  },
  'codex': {
    file: '~/.codex/config.toml',
    session: (url) => `[mcp_servers.estop]\nurl = ${JSON.stringify(url)}\nbearer_token_env_var = "${tokenVariable}"`,
    signIn: (url) => `[mcp_servers.estop]\nurl = ${JSON.stringify(url)}`,
    next: 'Then: codex mcp login estop',
  },
  'cursor': {
    file: '.cursor/mcp.json',
    session: (url) => serversOf({ url, ...bearer(`\${env:${tokenVariable}}`) }),
    signIn: (url) => serversOf({ url }),
    next: 'Cursor then offers to sign in.',
  },
  'vscode': {
    file: '.vscode/mcp.json',
    session: (url) =>
      json({
        inputs: [{ type: 'promptString', id: 'estop-task-token', description: 'estop task token', password: true }],
        servers: { estop: { type: 'http', url, ...bearer('${input:estop-task-token}') } },
      }),
    signIn: (url) => json({ servers: { estop: { type: 'http', url } } }),
    next: 'VS Code asks to sign in when it starts the server.',
  },
  'gemini-cli': {
    file: '.gemini/settings.json',
    session: (url) => serversOf({ httpUrl: url, ...bearer(`$${tokenVariable}`) }),
    signIn: (url) => serversOf({ httpUrl: url }),
    next: 'In Gemini CLI: /mcp auth estop',
  },
  'windsurf': {
    file: '~/.codeium/windsurf/mcp_config.json',
    session: (url) => serversOf({ serverUrl: url, ...bearer(`\${env:${tokenVariable}}`) }),
    signIn: (url) => serversOf({ serverUrl: url }),
    next: 'Refresh the list of MCP servers; Windsurf then asks to sign in.',
  },
  'zed': {
    file: '~/.config/zed/settings.json',
    session: (url) => json({ context_servers: { estop: { url, ...bearer(byHand) } } }),
    signIn: (url) => json({ context_servers: { estop: { url } } }),
    next: 'Zed asks to sign in when it starts the server.',
  },
  'cline': {
    file: 'cline_mcp_settings.json',
    session: (url) => serversOf({ type: 'streamableHttp', url, ...bearer(byHand) }),
    signIn: (url) => serversOf({ type: 'streamableHttp', url }),
    next: 'MCP Servers, Configure: Cline then offers to sign in.',
  },
  'generic': {
    session: (url) => json({ url, ...bearer(byHand) }),
    signIn: (url, issuer) =>
      json({ url, oauth: { grantType: 'client_credentials', issuer, clientId: '<agent>.<client>' } }),
    next: 'For a program that nobody sits at: name it and its secret under `clients` of its agent in estop.yaml.',
  },
} as const satisfies Readonly<Record<string, Client>>;

export type ClientName = keyof typeof clients;
export const clientNames = Object.keys(clients) as readonly ClientName[]; // its own keys, and no others

const clientOf = (name: ClientName): Client => clients[name];
const placeOf = ({ file }: Client): { readonly file?: string } => (file === undefined ? {} : { file });

/** `helper`: a command that prints a fresh token as a header, for a client that runs one. */
export function settingsFor(name: ClientName, url: string, helper: string): ClientSettings {
  const client = clientOf(name);
  return { ...placeOf(client), text: client.session(url, helper), renewsItself: client.renewsItself === true };
}

export function signInSettingsFor(name: ClientName, url: string, issuer: string): SignInSettings {
  const client = clientOf(name);
  return { ...placeOf(client), text: client.signIn(url, issuer), next: client.next };
}
