import { useQuery } from "@tanstack/react-query";
import type { User } from "@/api/client";
import { sessionQuery } from "@/api/queries/session";

/** The person signed in; pages below the shell are shown to nobody else. */
export function useMe(): User {
  const { data } = useQuery({ ...sessionQuery, enabled: false });
  if (!data) throw new Error("a page of the shell is shown without a session");
  return data.user;
}

const WRITERS = ["admin", "sales_manager", "sales", "marketing", "verifier"];
const TAKERS = ["admin", "sales_manager", "sales", "marketing"];

/** Only hides what would be refused anyway: the services decide. */
export const may = {
  create: (user: User): boolean => user.roles.some((role) => WRITERS.includes(role)),
  take: (user: User): boolean => user.roles.some((role) => TAKERS.includes(role)),
};

/** A path of this application to go back to; an address of another site is never followed. */
export function safeReturn(to: unknown): string {
  return typeof to === "string" && /^\/(?![/\\])/.test(to) && !to.startsWith("/sign-in") ? to : "/";
}
