/** Whose ids a shell can ask for while somebody types; called as the arguments of our commands call them. */
export const liveKinds = ['agent', 'task', 'stop', 'approval'] as const;
export type LiveKind = (typeof liveKinds)[number];

export const isLiveKind = (name: string): name is LiveKind => liveKinds.some((kind) => kind === name);
