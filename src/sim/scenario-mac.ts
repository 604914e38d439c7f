import { hex } from '../base/index.ts';
import { formatMac, isMulticast, parseMac } from '../wire/index.ts';
import { type ProblemReporter, showValue } from './scenario-error.ts';
import { STATION_MAC } from './scenario-limits.ts';

const UNICAST = 'unicast addresses such as 02:00:00:00:01:00';

/** The address in lower case and with colons, or undefined if `text` is none. */
export function normaliseMac(text: string): string | undefined {
  try {
    return formatMac(parseMac(text));
  } catch {
    return undefined;
  }
}

/** Whether an address is one of a group. */
export function isGroupMac(mac: string): boolean {
  return isMulticast(parseMac(mac));
}

/** The addresses of a scenario: given ones are claimed first, then the rest is assigned around them. */
export class MacBook {
  private readonly reporter: ProblemReporter;
  private readonly owners = new Map([[STATION_MAC, 'the station at the far end of the port']]);

  constructor(reporter: ProblemReporter) {
    this.reporter = reporter;
  }

  /** Takes an address that the user gave. `path` is where it stands. */
  claim(path: string, value: string): string {
    const mac = normaliseMac(value);
    if (mac === undefined) this.reporter.fail(path, value, `${showValue(value)} is no MAC address`, UNICAST);
    if (isGroupMac(mac)) this.reporter.fail(path, value, `${mac} is a multicast address`, UNICAST);
    if (mac === '00:00:00:00:00:00') this.reporter.fail(path, value, `${mac} is no address`, UNICAST);
    const owner = this.owners.get(mac);
    if (owner !== undefined) {
      this.reporter.fail(path, value, `${mac} already belongs to ${owner}`, 'an address of its own');
    }
    this.owners.set(mac, path);
    return mac;
  }

  /**
   * An address made from a guest's number (0 is the host) and a place in it: small numbers read
   * 02:00:00:00:GG:II.
   */
  assign(guest: number, index: number): string {
    for (let first = 0x02; ; first += 4) {
      const octets = [first, 0, guest >> 8, index >> 8, guest & 0xff, index & 0xff];
      const mac = octets.map((octet) => hex(octet, 2)).join(':');
      if (this.owners.has(mac)) continue;
      this.owners.set(mac, mac);
      return mac;
    }
  }
}
