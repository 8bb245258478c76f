import { parseScopeKey } from './scope-key.ts';

/** A scope as people say it: by the name of an agent, a tool, a connector; a task, which has none, by the end of its id. */
export function scopeWords(scopeKey: string): string {
  const scope = parseScopeKey(scopeKey);
  if (scope === undefined) return scopeKey;
  switch (scope.kind) {
    case 'fleet':
      return 'everything';
    case 'task':
      return `task …${scope.value.slice(-6)}`;
    case 'label':
      return `all with ${scope.value}`;
    case 'agent':
    case 'tool':
    case 'connector':
    case 'model':
      return `${scope.kind} ${scope.value}`;
  }
}
