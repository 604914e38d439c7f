import { type Scheduler, Timer } from '../../kernel/index.ts';
import type { RegisterFile } from '../../registers/index.ts';

/** Fields of AUTOC (82599 data sheet 8.2.3.22.19). */
const FLU = 1 << 0;
const RESTART_AN = 1 << 12;
const LMS_SHIFT = 13;
const KR_SUPPORT = 1 << 16;
const KX_SUPPORT = 1 << 30;
const KX4_SUPPORT = 1 << 31;
/** AUTOC2: the link is disabled, by any of three bits. */
const LINK_DISABLE = 7 << 28;
/** Fields of LINKS (8.2.3.22.20). */
const LINK_STATUS = 1 << 7;
const LINK_UP = 1 << 30;
const LINK_SPEED = 3 << 28;
const AN_COMPLETE = 1 << 31;
const SPEED_10G = 3 << 28;
const SPEED_1G = 2 << 28;
/** ANLP1: state of the arbitration, in bits 19:16. What it is in while pages go to and fro, and in the end. */
const ANAS_SHIFT = 16;
const ANAS_PAGES = 4;
const ANAS_GOOD = 9;

/** The ways of AUTOC.LMS. */
const LMS_1G = 0;
const LMS_10G_PARALLEL = 1;
const LMS_1G_AN = 2;
const LMS_10G_SERIAL = 3;
const LMS_SGMII = 5;

/** Estimates: how long each takes until the link is up. */
const SERIAL_PS = 20e9;
const GIGABIT_AN_PS = 50e9;
/** IEEE 802.3 73.10: some hundred milliseconds for pages, training and the link_fail_inhibit timer. */
const BACKPLANE_AN_PS = 200e9;
/** Estimate: the arbitration leaves its first state after this. */
const AN_BEGINS_PS = 1e9;
/** Names of the registers that a change of may restart the link. */
const CONTROLS = ['AUTOC', 'AUTOC2'] as const;

/**
 * The link of the physical port: down after a reset, and up some time later if what AUTOC asks for is what is at the other
 * end of the cable, which has one speed. Each change is told to `changed`.
 */
export class PortLink {
  private readonly clock: Scheduler;
  private readonly file: RegisterFile;
  private readonly upLinks: number;
  private readonly hasMedium: boolean;
  private readonly changed: () => void;
  private readonly timer: Timer;
  private isUp = false;
  /** It has been down since LINKS was read last. */
  private wasDown = true;
  private restartedPs = 0;

  /**
   * @param upLinks LINKS of a link that is up: its speed.
   * @param hasMedium whether there is anything that carries the light or the current.
   */
  constructor(
    name: string,
    scheduler: Scheduler,
    file: RegisterFile,
    upLinks: number,
    hasMedium: boolean,
    changed: () => void,
  ) {
    this.clock = scheduler;
    this.file = file;
    this.upLinks = upLinks;
    this.hasMedium = hasMedium;
    this.changed = changed;
    this.timer = new Timer(scheduler, `${name}.link`, () => this.set(true));
    file.onRead('LINKS', () => {
      const links = this.links;
      this.wasDown = !this.isUp;
      return links;
    });
    file.onRead('ANLP1', (_, stored) => stored | (this.arbitration << ANAS_SHIFT));
    for (const name of CONTROLS)
      file.onWrite(name, (_, stored, __, before) => this.control(name, stored, before));
  }

  /** LINKS as it is, for PF and VFs. */
  get links(): number {
    const negotiated = this.negotiates && this.isUp ? AN_COMPLETE : 0;
    const state = this.isUp ? this.upLinks | (this.wasDown ? 0 : LINK_STATUS) : 0;
    return state | negotiated;
  }

  /** Begins anew, as after a reset of the link or the restart that software asks for. */
  restart(): void {
    this.restartedPs = this.clock.now;
    this.timer.cancel();
    this.set(false);
    const delayPs = this.delayPs();
    if (delayPs >= 0) this.timer.schedule(delayPs);
  }

  private get lms(): number {
    return (this.file.get('AUTOC') >>> LMS_SHIFT) & 7;
  }

  /** Whether clause 73 decides: KX4, KX and KR. */
  private get negotiates(): boolean {
    return this.lms === 4 || this.lms >= 6;
  }

  private get arbitration(): number {
    if (this.clock.now < this.restartedPs + AN_BEGINS_PS) return 0;
    return this.negotiates && !this.isUp ? ANAS_PAGES : ANAS_GOOD;
  }

  private control(name: (typeof CONTROLS)[number], stored: number, before: number): void {
    if (name === 'AUTOC2') {
      if (((stored ^ before) & LINK_DISABLE) !== 0) this.restart();
      return;
    }
    // New settings are in force with Restart_AN, which clears itself.
    if ((stored & RESTART_AN) === 0) return;
    this.file.set('AUTOC', stored & ~RESTART_AN);
    this.restart();
  }

  private set(isUp: boolean): void {
    if (!isUp) this.wasDown = true;
    if (isUp === this.isUp) return;
    this.isUp = isUp;
    this.changed();
  }

  /** Time until the link is up, in ps; -1 if it does not come up. */
  private delayPs(): number {
    const autoc = this.file.get('AUTOC');
    if ((this.file.get('AUTOC2') & LINK_DISABLE) !== 0) return -1;
    if (!this.hasMedium) return (autoc & FLU) !== 0 ? 0 : -1;
    const speed = this.upLinks & LINK_SPEED;
    const { lms } = this;
    if (this.negotiates) {
      const way = speed === SPEED_10G ? KX4_SUPPORT | KR_SUPPORT : speed === SPEED_1G ? KX_SUPPORT : 0;
      return (autoc & way) !== 0 ? BACKPLANE_AN_PS : -1;
    }
    if (lms === LMS_10G_PARALLEL || lms === LMS_10G_SERIAL) return speed === SPEED_10G ? SERIAL_PS : -1;
    if (lms === LMS_1G || lms === LMS_1G_AN || lms === LMS_SGMII)
      return speed !== SPEED_1G ? -1 : lms === LMS_1G ? SERIAL_PS : GIGABIT_AN_PS;
    return -1;
  }
}

/** Whether LINKS says that the link is up. */
export function isLinkUp(links: number): boolean {
  return (links & LINK_UP) !== 0;
}
