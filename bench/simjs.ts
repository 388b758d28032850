// Gets simjs (npm) into Node: the package is a bundle for browsers that hangs its classes on `window`, without types.

interface Request {
  done(callback: (argument: number) => void, context?: object, argument?: number): Request;
}

type Facility = object;

interface Sim {
  addEntity(kind: new (sim: Sim, name?: string) => Entity): Entity;
  simulate(endTime: number, maxEvents?: number): boolean;
}

export interface Entity {
  time(): number;
  setTimer(delay: number): Request;
  useFacility(facility: Facility, duration: number): Request;
  start(): void;
}

/** The part of simjs that the kernel is measured against. */
export interface Simjs {
  readonly Sim: new () => Sim;
  readonly Facility: new (name: string) => Facility;
  readonly Entity: new (sim: Sim, name?: string) => Entity;
}

export async function loadSimjs(): Promise<Simjs> {
  const stage = globalThis as { window?: { Sim?: Simjs } };
  const before = stage.window;
  const window: { Sim?: Simjs } = {};
  stage.window = window;
  try {
    const name = "simjs";
    await import(name);
  } finally {
    if (before === undefined) delete stage.window;
    else stage.window = before;
  }
  if (window.Sim === undefined) throw new Error("simjs did not load");
  return window.Sim;
}
