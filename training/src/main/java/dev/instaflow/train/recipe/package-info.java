/**
 * Training as a configuration says: one part or several, each resumed where it stopped and skipped once it is
 * finished. It only puts together what the packages beside it offer, so that whoever embeds the library can do
 * without it. Start reading at {@link dev.instaflow.train.recipe.RecipeRun}.
 */
package dev.instaflow.train.recipe;
