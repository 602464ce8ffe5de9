import { IconBuilding, IconCopy, IconFileImport, IconHome, IconTargetArrow, IconUsers } from "@tabler/icons-react";

export interface Place {
  path: string;
  key: string;
  word: string;
  icon: typeof IconHome;
}

export const DAILY: Place[] = [{ path: "/", key: "h", word: "nav.home", icon: IconHome }];

export const RECORDS: Place[] = [
  { path: "/leads", key: "l", word: "nav.leads", icon: IconTargetArrow },
  { path: "/accounts", key: "a", word: "nav.accounts", icon: IconBuilding },
  { path: "/contacts", key: "c", word: "nav.contacts", icon: IconUsers },
];

export const TOOLS: Place[] = [
  { path: "/duplicates", key: "u", word: "nav.duplicates", icon: IconCopy },
  { path: "/import", key: "i", word: "nav.import", icon: IconFileImport },
];

export const PLACES = [...DAILY, ...RECORDS, ...TOOLS];
