/** Runs `work` over all items, at most `width` at one time. One that fails is told to `onFailure`; the others go on. */
export async function inWindow<Item>(
  items: readonly Item[],
  width: number,
  work: (item: Item) => Promise<void>,
  onFailure: (item: Item, thrown: unknown) => void,
): Promise<void> {
  let next = 0;
  const lane = async (): Promise<void> => {
    for (let item = items[next++]; item !== undefined; item = items[next++]) {
      try {
        await work(item);
      } catch (thrown) {
        onFailure(item, thrown);
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(width, items.length) }, lane));
}
