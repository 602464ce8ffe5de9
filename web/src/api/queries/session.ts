import { queryOptions } from "@tanstack/react-query";
import { api, type Schemas, sent, setCsrfToken, type User } from "../client";

export interface Session {
  user: User;
}

type BrowserSession = Schemas["gateway.BrowserSession"];

function remember(answer: BrowserSession): Session {
  setCsrfToken(answer.csrf_token);
  return { user: answer.user as unknown as User };
}

export const sessionQuery = queryOptions({
  queryKey: ["session"],
  queryFn: async () => remember(await sent(api.GET("/session"))),
  staleTime: Infinity,
  retry: false,
});

export async function signIn(email: string, password: string): Promise<Session> {
  return remember(await sent(api.POST("/session", { body: { email, password } })));
}

export async function signOut(): Promise<void> {
  await sent(api.DELETE("/session"));
}
