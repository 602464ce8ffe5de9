import { queryOptions } from "@tanstack/react-query";
import { api, type Schemas, sent, setCsrfToken, type User } from "../client";
import { ApiError, asApiError } from "../errors";

export interface Session {
  user: User;
}

type BrowserSession = Schemas["gateway.BrowserSession"];

const KNOWN = "meridian.signed_in";

function remember(answer: BrowserSession): Session {
  setCsrfToken(answer.csrf_token);
  localStorage.setItem(KNOWN, "1");
  return { user: answer.user as unknown as User };
}

/** Who never signed in with this browser, or signed out, is not asked for: the answer is known. */
async function current(): Promise<Session> {
  if (!localStorage.getItem(KNOWN)) throw new ApiError({ status: 401, code: "no_session", title: "", detail: "" });
  try {
    return remember(await sent(api.GET("/session")));
  } catch (error) {
    if (asApiError(error).status === 401) localStorage.removeItem(KNOWN);
    throw error;
  }
}

export const sessionQuery = queryOptions({
  queryKey: ["session"],
  queryFn: current,
  staleTime: Infinity,
  retry: false,
});

export async function signIn(email: string, password: string): Promise<Session> {
  return remember(await sent(api.POST("/session", { body: { email, password } })));
}

export async function signOut(): Promise<void> {
  await sent(api.DELETE("/session"));
  localStorage.removeItem(KNOWN);
}
