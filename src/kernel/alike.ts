// Lists that are alike to the engine: hot code reads them the same way, whoever made them.

/**
 * A copy of a list, always of one inner kind. What `map` or `filter` returns gets another kind once the function that calls it is
 * optimised, which is after hundreds of runs for what is called once a run; whatever had been compiled to read the old kind is then
 * compiled anew, on a core that another worker could use.
 */
export function alike<T>(items: readonly T[]): T[] {
  const list: T[] = [];
  for (let i = 0; i < items.length; i += 1) list.push(items[i]);
  return list;
}
