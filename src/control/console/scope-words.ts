import { parseScopeKey } from '../../core/scope-key.ts';

/** A scope as people say it. */
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

/** What a person types where this console cannot help; it needs no control plane. */
export const outOfBand = (scopeKey: string, order?: { readonly stopId: string; readonly category: number }): string =>
  `estop stop scope ${scopeKey} --direct --yes${order === undefined ? '' : ` --stop-id ${order.stopId} --category ${order.category}`}`;
