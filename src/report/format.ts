// How figures look in reports: the same as in every sentence of an outcome.

export * from "../kernel/format.js";
