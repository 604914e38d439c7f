import type { BarWindow } from '../host/index.ts';
import { FurtherOperation, FurtherVersion } from './further-protocol.ts';
import { IXGBE_MAX_VFS, type IxgbeDriver } from './ixgbe.ts';
import { LINK_UP, LINKS } from './ixgbe-registers.ts';
import { MailboxOperation, XcastMode } from './mailbox-protocol.ts';
import type { FurtherMessages } from './pf-mailbox-service.ts';
import { setPool } from './pool-registers.ts';

/** Whether a VF has a link: as the port, or always, or never. */
export type VfLinkState = 'auto' | 'enable' | 'disable';

// PF registers (82599 data sheet 8.2.3.7.13, 8.2.3.7.14, 8.2.3.27).
const PFVFRE = 0x51e0;
const PFVFTE = 0x8110;
const LINK_SPEED = 3 << 28;
const RETA = 0xeb00;
const RSSRK = 0xeb80;
const RETA_WORDS = 8;
const ENTRIES = 16;
const KEY_WORDS = 10;
/** Frames that a VF may name as its longest, with check sequence; what is longer than the PF's it cannot have. */
const LEAST_FRAME = 68;
const LONGEST_FRAME = 1518;

/** What of the PF's driver it takes. */
type AdministeredDriver = Pick<IxgbeDriver, 'bar' | 'mailbox' | 'vfSettings' | 'vfTxRate' | 'setVfTxRate'>;

/** Whether the pool of a VF receives and sends. @throws RangeError `EINVAL` if there is no such VF. */
export function enableVf(
  driver: Pick<IxgbeDriver, 'bar' | 'vfSettings'>,
  vf: number,
  enabled: boolean,
): void {
  driver.vfSettings(vf);
  for (const register of [PFVFRE, PFVFTE]) setPool(driver.bar, register, vf, enabled);
}

/**
 * What Linux's ixgbe adds to the mailbox's first messages: longest frames (SET_LPE), the redirection table and key of RSS
 * (GET_RETA, GET_RSS_KEY), the link state that the administrator has set (GET_LINK_STATE), and API versions up to 1.5, by which
 * messages are allowed. The drivers of this package do without; those of others that run in a guest ask.
 *
 * @example
 * const messages = new VfMessages(machine.simulation.machine.pfDriver);
 * messages.setLinkState(0, 'disable');
 */
export class VfMessages implements FurtherMessages {
  private readonly driver: AdministeredDriver;
  private readonly bar: BarWindow;
  /** What each VF has negotiated, unless it is 1.0; who may ask for the PF's RSS, and whose link is not just there. */
  private readonly apis = new Map<number, number>();
  private readonly rssQueries = new Set<number>();
  private readonly links = new Map<number, VfLinkState>();
  /** Speed of the link, in its bits of LINKS. */
  private speed: number;

  /** From now on `driver` answers these messages. */
  constructor(driver: AdministeredDriver) {
    this.driver = driver;
    this.bar = driver.bar;
    this.speed = this.bar.read32(LINKS) & LINK_SPEED;
    driver.mailbox.further = this;
  }

  /**
   * As `ip link set DEV vf N state auto|enable|disable`: whether its pool receives and sends. Its driver is told to reset itself.
   *
   * @throws RangeError `EINVAL` if there is no such VF.
   */
  setLinkState(vf: number, state: VfLinkState): void {
    this.driver.vfSettings(vf);
    this.links.set(vf, state);
    enableVf(this.driver, vf, this.hasLink(vf));
    // The VF has to reset itself, and is told so without clear to send; until then it is refused everything.
    const { mailbox } = this.driver;
    mailbox.clearToSend.delete(vf);
    mailbox.send(vf, [FurtherOperation.PF_CONTROL]);
  }

  /**
   * The port's link has come up or gone down: VFs with state `auto` follow it, and limits of rates are gone that are relative to
   * another speed.
   */
  linkChanged(): void {
    const { driver } = this;
    const links = this.bar.read32(LINKS);
    if ((links & LINK_UP) !== 0 && (links & LINK_SPEED) !== this.speed) {
      this.speed = links & LINK_SPEED;
      for (let vf = 0; vf < IXGBE_MAX_VFS; vf++) {
        if (driver.vfTxRate(vf).maxMbps > 0) driver.setVfTxRate(vf, { maxMbps: 0 });
      }
    }
    for (const [vf, state] of this.links) {
      if (state === 'auto') enableVf(this.driver, vf, this.hasLink(vf));
    }
  }

  /**
   * As `ip link set DEV vf N query_rss on|off`: whether the VF may ask for redirection table and key. They are the PF's.
   *
   * @throws RangeError `EINVAL` if there is no such VF.
   */
  setRssQuery(vf: number, allowed: boolean): void {
    this.driver.vfSettings(vf);
    if (allowed) this.rssQueries.add(vf);
    else this.rssQueries.delete(vf);
  }

  begin(): void {
    for (const each of [this.apis, this.rssQueries, this.links]) each.clear();
  }

  reset(vf: number): void {
    this.apis.delete(vf);
  }

  answer(vf: number, operation: number, wanted: number): boolean | number[] | null {
    const api = this.apis.get(vf) ?? FurtherVersion.V1_0;
    switch (operation) {
      case MailboxOperation.NEGOTIATE_API:
        if (wanted > FurtherVersion.V1_5 || wanted === FurtherVersion.V2_0) return false;
        this.apis.set(vf, wanted);
        return true;
      case FurtherOperation.SET_LPE: {
        if (wanted < LEAST_FRAME) return false;
        // PF and VFs of an 82599 have the same longest frame: one with a longer one receives nothing.
        const fits = wanted <= LONGEST_FRAME;
        setPool(this.bar, PFVFRE, vf, fits && this.hasLink(vf));
        return fits;
      }
      case MailboxOperation.GET_QUEUES:
        return api >= FurtherVersion.V1_1 ? null : false;
      case MailboxOperation.UPDATE_XCAST_MODE:
        // Promiscuous VFs came with 1.3.
        return api > FurtherVersion.V1_2 || (api === FurtherVersion.V1_2 && wanted !== XcastMode.PROMISC)
          ? null
          : false;
      case FurtherOperation.GET_RETA:
        return (
          this.mayAskForRss(vf, api) && Array.from({ length: RETA_WORDS }, (_, i) => this.redirection(i))
        );
      case FurtherOperation.GET_RSS_KEY:
        return (
          this.mayAskForRss(vf, api) &&
          Array.from({ length: KEY_WORDS }, (_, i) => this.bar.read32(RSSRK + 4 * i))
        );
      case FurtherOperation.GET_LINK_STATE:
        return api >= FurtherVersion.V1_2 && [this.hasLink(vf) ? 1 : 0];
    }
    return null;
  }

  private mayAskForRss(vf: number, api: number): boolean {
    return api >= FurtherVersion.V1_2 && this.rssQueries.has(vf);
  }

  private hasLink(vf: number): boolean {
    const state = this.links.get(vf) ?? 'enable';
    return state === 'auto' ? (this.bar.read32(LINKS) & LINK_UP) !== 0 : state === 'enable';
  }

  /** Sixteen entries of the redirection table, of which a VF's queues need two bits each. */
  private redirection(index: number): number {
    let word = 0;
    for (let i = 0; i < ENTRIES; i++) {
      const entries = this.bar.read32(RETA + ENTRIES * index + (i & ~3));
      word |= ((entries >>> (8 * (i & 3))) & 3) << (2 * i);
    }
    return word >>> 0;
  }
}
