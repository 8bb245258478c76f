/**
 * What the gateway admits at a server besides calls of its tools, by method of MCP. Admitted, and stopped, like a tool of that server:
 * `tool:files/resources.read`.
 */
export const admittedMethods = [
  'resources/read',
  'resources/subscribe',
  'resources/unsubscribe',
  'subscriptions/listen',
  'prompts/get',
  'completion/complete',
  'elicitation/create',
  'sampling/createMessage',
  'roots/list',
] as const;

export type AdmittedMethod = (typeof admittedMethods)[number];

/** By which a method stands among the tools of its server. */
export const toolOfMethod = (method: string): string => method.replaceAll('/', '.');
