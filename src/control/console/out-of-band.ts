/** What a person types where this console cannot help; it needs no control plane. */
export const outOfBand = (scopeKey: string, order?: { readonly stopId: string; readonly category: number }): string =>
  `estop stop scope ${scopeKey} --direct --yes${order === undefined ? '' : ` --stop-id ${order.stopId} --category ${order.category}`}`;
