/** What each client of MCP wants to read. Pure: the same task and gateway give the same text. No token is ever in it. */

export const clientNames = ['claude-code', 'codex', 'cursor', 'vscode', 'generic'] as const;
export type ClientName = (typeof clientNames)[number];

/** Where clients that cannot run a helper look for the token. */
export const tokenVariable = 'ESTOP_TASK_TOKEN';

interface ClientSettings {
  /** Where the text belongs; undefined where every client has a place of its own. */
  readonly file?: string;
  readonly text: string;
  /** It fetches tokens by itself; for the others somebody puts one into the environment. */
  readonly renewsItself: boolean;
}

const json = (value: unknown): string => JSON.stringify(value, null, 2);

export function settingsFor(client: ClientName, url: string, taskId: string): ClientSettings {
  switch (client) {
    case 'claude-code':
      return {
        file: '.mcp.json',
        text: json({
          mcpServers: { estop: { type: 'http', url, headersHelper: `npx estop task token ${taskId} --header` } },
        }),
        renewsItself: true,
      };
    case 'codex':
      return {
        file: '~/.codex/config.toml',
        text: `[mcp_servers.estop]\nurl = ${JSON.stringify(url)}\nbearer_token_env_var = "${tokenVariable}"`,
        renewsItself: false,
      };
    case 'cursor':
      return {
        file: '.cursor/mcp.json',
        text: json({ mcpServers: { estop: { url, headers: { Authorization: `Bearer \${env:${tokenVariable}}` } } } }),
        renewsItself: false,
      };
    case 'vscode':
      return {
        file: '.vscode/mcp.json',
        text: json({
          inputs: [{ type: 'promptString', id: 'estop-task-token', description: 'estop task token', password: true }],
          servers: { estop: { type: 'http', url, headers: { Authorization: 'Bearer ${input:estop-task-token}' } } },
        }),
        renewsItself: false,
      };
    case 'generic':
      return { text: json({ url, headers: { Authorization: `Bearer <${tokenVariable}>` } }), renewsItself: false };
  }
}

/**
 * The way without a session that is open already: the client finds out from the gateway where it gets its tokens. A person lets it in
 * in a browser; a program that nobody sits at shows a secret that its agent's configuration names.
 */
export function signInSettingsFor(client: ClientName, url: string, issuer: string): SignInSettings {
  switch (client) {
    case 'claude-code':
      return {
        file: '.mcp.json',
        text: json({ mcpServers: { estop: { type: 'http', url } } }),
        next: 'In Claude Code: /mcp, estop, Authenticate.',
      };
    case 'codex':
      return {
        file: '~/.codex/config.toml',
        text: `[mcp_servers.estop]\nurl = ${JSON.stringify(url)}`,
        next: 'Then: codex mcp login estop',
      };
    case 'cursor':
      return {
        file: '.cursor/mcp.json',
        text: json({ mcpServers: { estop: { url } } }),
        next: 'Cursor then offers to sign in.',
      };
    case 'vscode':
      return {
        file: '.vscode/mcp.json',
        text: json({ servers: { estop: { type: 'http', url } } }),
        next: 'VS Code asks to sign in when it starts the server.',
      };
    case 'generic':
      return {
        text: json({ url, oauth: { grantType: 'client_credentials', issuer, clientId: '<agent>.<client>' } }),
        next: 'For a program that nobody sits at: name it and its secret under `clients` of its agent in estop.yaml.',
      };
  }
}

export interface SignInSettings {
  readonly file?: string;
  readonly text: string;
  /** What a person does next. */
  readonly next: string;
}
