/** What is judged besides calls of tools. Each is one action; what is asked for is the resource, and `context.name`. */
export const kinds = ['model', 'resource', 'prompt', 'completion', 'subscription', 'answer', 'grant'] as const;
export type Kind = (typeof kinds)[number];

/** The action of a call of any tool, above those of each server. */
export const anyTool = 'tool';
export type Column = Kind | typeof anyTool;

export const columns: readonly Column[] = [anyTool, ...kinds];

/** Tools are called `<server>/<tool>`, so that none can be called like a kind. */
export const columnOf = (action: string): Column => kinds.find((kind) => kind === action) ?? anyTool;
