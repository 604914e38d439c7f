import type { IxgbeDriver } from '../drivers/index.ts';
import type { Sysfs } from '../host/index.ts';
import { formatMac } from '../wire/index.ts';

/**
 * Makes the files known, below `folder`, by which an administrator sets `count` VFs up while they run:
 * `sriov/N/trust` and `sriov/N/spoofcheck` (ON or OFF), `sriov/N/vlan` (0 for none), `sriov/N/mac` (to read).
 * Linux has them as attributes of `ip link set DEV vf N`; drivers outside its tree, as files of this form.
 */
export function defineVfSysfs(sysfs: Sysfs, folder: string, count: number, driver: IxgbeDriver): void {
  sysfs.removeBelow(`${folder}/sriov`);
  for (let vf = 0; vf < count; vf++) {
    const file = (name: string) => `${folder}/sriov/${vf}/${name}`;
    sysfs.define(file('trust'), {
      read: () => onOrOff(driver.vfSettings(vf).trusted),
      write: (text) => driver.setVfTrust(vf, parseSwitch('trust', text)),
    });
    sysfs.define(file('spoofcheck'), {
      read: () => onOrOff(driver.vfSettings(vf).spoofCheck),
      write: (text) => driver.setVfSpoofCheck(vf, parseSwitch('spoofcheck', text)),
    });
    sysfs.define(file('vlan'), {
      read: () => String(driver.vfSettings(vf).vlan ?? 0),
      write: (text) => {
        if (!/^\d{1,4}$/.test(text)) {
          throw new Error(`EINVAL: vlan takes a number from 0 to 4094, got ${JSON.stringify(text)}`);
        }
        driver.setVfVlan(vf, Number(text) === 0 ? null : Number(text));
      },
    });
    sysfs.define(file('mac'), { read: () => formatMac(driver.vfSettings(vf).mac) });
  }
}

function onOrOff(on: boolean): string {
  return on ? 'ON' : 'OFF';
}

function parseSwitch(file: string, text: string): boolean {
  if (text !== 'ON' && text !== 'OFF') {
    throw new Error(`EINVAL: ${file} takes ON or OFF, got ${JSON.stringify(text)}`);
  }
  return text === 'ON';
}
