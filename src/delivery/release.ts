// A release as its team declares it. Its defects are the world's secret and never appear here.

export interface FlagDeclaration {
  readonly name: string;
  /** Endpoints of the service that the flagged feature serves. */
  readonly endpoints: readonly string[];
}

/** `additive` can run beside the old version; `contracting` takes something away that the old one reads. */
export interface SchemaChange {
  readonly database: string;
  readonly kind: "additive" | "contracting";
  readonly about: string;
}

export interface ReleaseDeclaration {
  readonly service: string;
  readonly version: string;
  /** Changed lines: the size of the batch. */
  readonly lines: number;
  readonly flag: FlagDeclaration | null;
  readonly schema: readonly SchemaChange[];
}
