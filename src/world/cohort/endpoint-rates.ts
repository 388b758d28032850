// Requests per second at every endpoint, read off the input: from where traffic enters down the calls.

import type { Rps } from "../../kernel/units.js";
import type { CallModel, EndpointModel, Model } from "../model.js";

/** Every endpoint before those that it calls, so that its rate is passed on once, however many ways lead to it. */
export function callersFirst({ endpoints }: Model): EndpointModel[] {
  const calleesFirst: EndpointModel[] = [];
  const seen = new Set<number>();
  const visit = (endpoint: EndpointModel): void => {
    if (seen.has(endpoint.index)) return;
    seen.add(endpoint.index);
    for (const call of endpoint.calls) if (call.endpoint >= 0) visit(endpoints[call.endpoint]);
    calleesFirst.push(endpoint);
  };
  for (const endpoint of endpoints) visit(endpoint);
  return calleesFirst.reverse();
}

/** Rates at every endpoint; `entering` comes from outside, and each request makes `made` of a call. */
export function ratesDown(order: readonly EndpointModel[], entering: (endpoint: EndpointModel) => Rps, made: (call: CallModel) => number): Float64Array {
  const rates = new Float64Array(order.length);
  for (const endpoint of order) {
    rates[endpoint.index] += entering(endpoint);
    for (const call of endpoint.calls) if (call.endpoint >= 0) rates[call.endpoint] += rates[endpoint.index] * made(call);
  }
  return rates;
}
